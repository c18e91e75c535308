'use strict';

const LEVELS = {
  patient: { many: 'patients', below: 'study', children: 'studies', parent: null },
  study: { many: 'studies', below: 'series', children: 'series', parent: 'ParentPatient' },
  series: { many: 'series', below: 'instance', children: 'instances', parent: 'ParentStudy' },
  instance: { many: 'instances', below: null, children: null, parent: 'ParentSeries' }
};
const ABOVE = { study: 'patient', series: 'study', instance: 'series' };
const LIMIT = 100;

const content = document.getElementById('content');

function make(name, text, attributes) {
  const node = document.createElement(name);
  if (text !== undefined && text !== null) {
    node.textContent = String(text);
  }
  Object.entries(attributes || {}).forEach(([key, value]) => {
    if (key.startsWith('on')) {
      node.addEventListener(key.slice(2), value);
    } else {
      node.setAttribute(key, value);
    }
  });
  return node;
}

async function ask(path, method, body) {
  const response = await fetch('..' + path, { method: method || 'GET', body: body });
  if (!response.ok) {
    throw new Error(response.status + ' ' + response.statusText);
  }
  const text = await response.text();
  try {
    return JSON.parse(text);
  } catch (error) {
    return text;
  }
}

function day(text) {
  return /^\d{8}$/.test(text || '') ? text.slice(0, 4) + '-' + text.slice(4, 6) + '-' + text.slice(6) : text || '';
}

function person(text) {
  return (text || '').split('=')[0].split('^').filter(Boolean).join(' ');
}

function name(level, item) {
  const tags = item.MainDicomTags;
  if (level === 'patient') {
    return person(tags.PatientName) + ' (' + (tags.PatientID || '') + ')';
  }
  if (level === 'study') {
    return tags.StudyDescription || tags.StudyInstanceUID;
  }
  if (level === 'series') {
    return [tags.Modality, tags.SeriesDescription || tags.SeriesInstanceUID].filter(Boolean).join(': ');
  }
  return 'Instance ' + (tags.InstanceNumber || tags.SOPInstanceUID);
}

function show(title, ...nodes) {
  document.getElementById('title').textContent = title;
  content.replaceChildren(...nodes);
}

function failed(error) {
  content.append(make('p', error.message, { class: 'error' }));
}

function row(level, item) {
  const tags = item.MainDicomTags;
  const entry = make('li');
  const children = item.Studies || item.Series || item.Instances;
  if (children) {
    entry.append(make('span', children.length, { class: 'count' }));
  }
  entry.append(make('a', name(level, item), { href: '#' + level + '?uuid=' + item.ID }));
  const lines = {
    patient: ['Birth date: ' + day(tags.PatientBirthDate), 'Sex: ' + (tags.PatientSex || '')],
    study: ['Date: ' + day(tags.StudyDate), 'Accession number: ' + (tags.AccessionNumber || ''),
      item.PatientMainDicomTags ? person(item.PatientMainDicomTags.PatientName) : ''],
    series: ['Series number: ' + (tags.SeriesNumber || ''), 'Status: ' + item.Status],
    instance: ['Index in series: ' + item.IndexInSeries]
  }[level];
  lines.filter(Boolean).forEach((line) => entry.append(make('small', line)));
  return entry;
}

function list(level, items) {
  const node = make('ul');
  items.forEach((item) => node.append(row(level, item)));
  if (!items.length) {
    node.append(make('li', 'Nothing found'));
  }
  return node;
}

function button(text, action, kind) {
  return make('button', text, { type: 'button', class: kind || '', onclick: () => action().catch(failed) });
}

function download(path) {
  return async () => { window.location.href = '..' + path; };
}

async function choose(kind) {
  const names = await ask('/' + kind);
  const chosen = names.length ? window.prompt('Send to which of: ' + names.join(', ') + '?', names[0]) : null;
  if (!names.length) {
    window.alert('None is configured.');
  }
  return chosen;
}

function actions(level, id) {
  const base = '/' + LEVELS[level].many + '/' + id;
  const node = make('aside');
  node.append(button('Send to DICOM modality', async () => {
    const target = await choose('modalities');
    if (target) {
      await ask('/modalities/' + encodeURIComponent(target) + '/store', 'POST', id);
    }
  }));
  node.append(button('Send to Orthanc peer', async () => {
    const target = await choose('peers');
    if (target) {
      await ask('/peers/' + encodeURIComponent(target) + '/store', 'POST', id);
    }
  }));
  if (level === 'instance') {
    node.append(button('Download the DICOM file', download(base + '/file')));
    node.append(button('Download the tags', download(base + '/tags')));
  } else {
    node.append(button('Anonymize', async () => {
      const made = await ask(base + '/anonymize', 'POST', '{}');
      window.location.hash = level + '?uuid=' + made.ID;
    }));
    node.append(button('Download ZIP', download(base + '/archive')));
    node.append(button('Download DICOMDIR', download(base + '/media')));
  }
  node.append(button('Delete this ' + level, async () => {
    if (window.confirm('Delete it for good?')) {
      const left = (await ask(base, 'DELETE')).RemainingAncestor;
      window.location.hash = left ? left.Type.toLowerCase() + '?uuid=' + left.ID : 'lookup';
    }
  }, 'danger'));
  return node;
}

async function resource(level, id) {
  const base = '/' + LEVELS[level].many + '/' + id;
  const item = await ask(base);
  const section = make('section');
  const own = make('ul');
  if (ABOVE[level]) {
    own.append(make('li'));
    own.lastChild.append(make('a', 'Up to the ' + ABOVE[level],
      { href: '#' + ABOVE[level] + '?uuid=' + item[LEVELS[level].parent] }));
  }
  Object.entries(item.MainDicomTags).forEach(([key, value]) => own.append(make('li', key + ': ' + value)));
  section.append(own);
  const aside = actions(level, id);
  show(name(level, item), section, aside);
  if (level === 'instance') {
    section.prepend(make('img', null, { src: '..' + base + '/preview', alt: '' }));
    const table = make('table');
    Object.entries(await ask(base + '/simplified-tags')).forEach(([key, value]) => {
      const line = make('tr');
      line.append(make('td', key), make('td', typeof value === 'string' ? value : JSON.stringify(value)));
      table.append(line);
    });
    section.append(table);
  } else {
    const children = await ask(base + '/' + LEVELS[level].children);
    section.append(make('h2', LEVELS[level].children), list(LEVELS[level].below, children));
  }
}

async function found(level, query) {
  const items = await ask('/tools/find', 'POST', JSON.stringify({
    Level: level === 'patient' ? 'Patient' : 'Study', Query: query, Expand: true, Limit: LIMIT
  }));
  show(level === 'patient' ? 'All patients' : 'All studies', make('section'));
  content.firstChild.append(list(level, items));
}

function lookup() {
  const form = make('form');
  const fields = [['PatientID', 'Patient ID'], ['PatientName', 'Patient name'],
    ['AccessionNumber', 'Accession number'], ['StudyDescription', 'Study description'], ['StudyDate', 'Study date']];
  fields.forEach(([key, text]) => {
    form.append(make('label', text, { for: key }), make('input', null, { id: key, name: key }));
  });
  form.append(make('button', 'Do lookup', { type: 'submit' }));
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const query = {};
    new FormData(form).forEach((value, key) => {
      if (value) {
        query[key] = key === 'StudyDate' || value.includes('*') ? value : '*' + value + '*';
      }
    });
    found('study', query).catch(failed);
  });
  const section = make('section');
  section.append(form);
  show('Lookup studies', section);
}

function upload() {
  const section = make('section');
  const input = make('input', null, { type: 'file', multiple: '' });
  const progress = make('progress', null, { max: 1, value: 0 });
  const said = make('ul');
  section.append(make('p', 'Choose DICOM files, or ZIP archives of them.'), input, button('Start the upload', async () => {
    const files = Array.from(input.files);
    for (let index = 0; index < files.length; index += 1) {
      try {
        const made = await ask('/instances', 'POST', files[index]);
        said.append(make('li', files[index].name + ': ' + (made.Status || made.length + ' files')));
      } catch (error) {
        said.append(make('li', files[index].name + ': ' + error.message, { class: 'error' }));
      }
      progress.value = (index + 1) / files.length;
    }
  }), progress, said);
  show('Upload DICOM files', section);
}

async function jobs() {
  const node = make('ul');
  (await ask('/jobs?expand')).forEach((job) => {
    const entry = make('li');
    entry.append(make('b', job.Type + ': ' + job.State), make('small', job.ID), make('small', job.CreationTime));
    node.append(entry);
  });
  const section = make('section');
  section.append(node);
  show('Jobs', section);
}

async function plugins() {
  const node = make('ul');
  for (const plugin of await ask('/plugins')) {
    try {
      const described = await ask('/plugins/' + plugin);
      const entry = make('li');
      entry.append(make('b', described.ID + ' (version ' + described.Version + ')'));
      entry.append(make('small', described.Description));
      node.append(entry);
    } catch (error) {
      continue;
    }
  }
  const section = make('section');
  section.append(node);
  show('Plugins', section);
}

async function remote() {
  const modality = make('select');
  (await ask('/modalities')).forEach((each) => modality.append(make('option', each)));
  const patient = make('input', null, { placeholder: 'Patient ID' });
  const section = make('section');
  section.append(make('label', 'DICOM server'), modality, patient,
    button('Test Echo', async () => {
      await ask('/modalities/' + encodeURIComponent(modality.value) + '/echo', 'POST', '{}');
    }),
    button('Search studies', async () => {
      await ask('/modalities/' + encodeURIComponent(modality.value) + '/query', 'POST',
        JSON.stringify({ Level: 'Study', Query: { PatientID: patient.value } }));
    }));
  show('DICOM Query/Retrieve', section);
}

function route() {
  const [page, query] = window.location.hash.slice(1).split('?');
  const id = new URLSearchParams(query || '').get('uuid');
  const pages = {
    'find-patients': () => found('patient', {}),
    'find-studies': () => found('study', {}),
    jobs: jobs,
    plugins: plugins,
    'query-retrieve': remote,
    upload: async () => upload()
  };
  const work = LEVELS[page] && id ? resource(page, id) : (pages[page] || (async () => lookup()))();
  work.catch((error) => {
    show('Error', make('section'));
    failed(error);
  });
}

window.addEventListener('hashchange', route);
route();
