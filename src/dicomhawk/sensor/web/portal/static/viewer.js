(function () {
  var $stack = JSON.parse(document.getElementById("_stacks").textContent);
  var $screen = document.getElementById("_screen");
  var $canvas = document.getElementById("_canvas");
  var $pen = $canvas.getContext("2d");
  var $left = document.getElementById("_corner_c");
  var $right = document.getElementById("_corner_d");
  var $presets = document.getElementById("_presets");
  var $slices = [];
  var $at = 0;
  var $mode = "window";
  var $zoom = 1;
  var $shiftX = 0;
  var $shiftY = 0;
  var $inverted = false;
  var $level = 0;
  var $width = 0;
  var $chosen = false;
  var $kept = {};
  var $waiting = {};
  var $current = null;
  var $timer = null;
  var $running = null;
  var $drag = null;
  var $busy = false;
  $stack.i.forEach(function ($image) {
    for (var $f = 1; $f <= $image[1]; $f += 1) {
      $slices.push([$image[0], $f, $image[1]]);
    }
  });
  function $address($index) {
    var $slice = $slices[$index];
    var $link = $stack.u + "&" + $stack.n + "=" + encodeURIComponent($slice[0]);
    if ($slice[2] > 1) {
      $link += "&" + $stack.f + "=" + $slice[1];
    }
    if ($chosen) {
      $link += "&" + $stack.c + "=" + Math.round($level) + "&" + $stack.w + "=" + Math.round($width);
    }
    return $link;
  }
  function $load($index, $then) {
    var $link = $address($index);
    if ($kept[$link]) {
      $then($kept[$link]);
      return;
    }
    if ($waiting[$link]) {
      $waiting[$link].push($then);
      return;
    }
    $waiting[$link] = [$then];
    var $request = new XMLHttpRequest();
    var $shape = [0, 0, 0, 1];
    var $done = function ($picture) {
      var $found = { p: $picture, c: $shape[0], w: $shape[1], r: $shape[2], k: $shape[3] };
      var $those = $waiting[$link] || [];
      delete $waiting[$link];
      if ($picture) {
        $kept[$link] = $found;
      }
      $those.forEach(function ($each) {
        $each($found);
      });
    };
    $request.open("GET", $link, true);
    $request.responseType = "blob";
    $request.onload = function () {
      var $picture = new Image();
      var $told = $request.getResponseHeader($stack.h);
      if ($told) {
        $shape = $told.split(";").map(Number);
      }
      $picture.onload = function () {
        $done($picture);
      };
      $picture.onerror = function () {
        $done(null);
      };
      $picture.src = URL.createObjectURL($request.response);
    };
    $request.onerror = function () {
      $done(null);
    };
    $request.send();
  }
  function $say() {
    var $slice = $slices[$at];
    var $text = $stack.m + " " + $stack.t + "\n" + $stack.x[0] + " " + ($at + 1) + "/" + $slices.length;
    if ($slice && $slice[2] > 1) {
      $text = $stack.m + " " + $stack.t + "\n" + $stack.x[1] + " " + $slice[1] + "/" + $slice[2];
    }
    $left.innerText = $text;
    var $shown = "Zoom " + Math.round($scale() * 100) + "%";
    if ($current && !$current.k && $width) {
      $shown = "W " + Math.round($width) + "  L " + Math.round($level) + "\n" + $shown;
    }
    $right.innerText = $shown;
  }
  function $scale() {
    if (!$current || !$current.p) {
      return 1;
    }
    return Math.min($canvas.width / $current.p.width, $canvas.height / $current.p.height) * $zoom;
  }
  function $draw() {
    $canvas.width = $screen.clientWidth;
    $canvas.height = $screen.clientHeight;
    $pen.fillStyle = "#000000";
    $pen.fillRect(0, 0, $canvas.width, $canvas.height);
    if (!$current || !$current.p) {
      $pen.fillStyle = "#888888";
      $pen.font = "14px sans-serif";
      $pen.fillText($current ? $stack.x[2] : "...", $canvas.width / 2 - 40, $canvas.height / 2);
      $say();
      return;
    }
    var $size = $scale();
    var $w = $current.p.width * $size;
    var $h = $current.p.height * $size;
    var $filters = [];
    if ($inverted) {
      $filters.push("invert(1)");
    }
    if ($drag && $mode === "window" && $current.w && $width) {
      var $gain = $current.w / $width;
      var $offset = ($current.c - $level) / $width;
      $filters.push("contrast(" + $gain.toFixed(3) + ")");
      $filters.push("brightness(" + Math.max(0, 1 + 2 * $offset).toFixed(3) + ")");
    }
    $pen.filter = $filters.length ? $filters.join(" ") : "none";
    $pen.drawImage($current.p, ($canvas.width - $w) / 2 + $shiftX, ($canvas.height - $h) / 2 + $shiftY, $w, $h);
    $pen.filter = "none";
    $say();
  }
  function $show($index) {
    if (!$slices.length) {
      $draw();
      return;
    }
    $at = Math.max(0, Math.min($slices.length - 1, $index));
    $say();
    if (!$busy) {
      $fetch();
    }
  }
  function $fetch() {
    var $wanted = $at;
    var $from = $address($wanted);
    $busy = true;
    $load($wanted, function ($found) {
      $busy = false;
      $current = $found;
      if (!$chosen) {
        $level = $found.c;
        $width = $found.w;
      }
      $draw();
      if ($from !== $address($at)) {
        $fetch();
        return;
      }
      [1, -1].forEach(function ($step) {
        if ($at + $step >= 0 && $at + $step < $slices.length) {
          $load($at + $step, function () {});
        }
      });
    });
  }
  function $again() {
    window.clearTimeout($timer);
    $timer = window.setTimeout(function () {
      $show($at);
    }, 120);
  }
  function $select($name) {
    $mode = $name;
    $buttons.forEach(function ($each) {
      var $own = $each.getAttribute("data-{{ mark }}");
      if (["window", "zoom", "pan", "scroll"].indexOf($own) >= 0) {
        $each.className = "_tool" + ($own === $name ? " _tool_on" : "");
      }
    });
  }
  function $cine($button) {
    if ($running) {
      window.clearInterval($running);
      $running = null;
      $button.className = "_tool";
      return;
    }
    var $rate = $current && $current.r ? $current.r : 12;
    $button.className = "_tool _tool_on";
    $running = window.setInterval(function () {
      $show($at + 1 >= $slices.length ? 0 : $at + 1);
    }, 1000 / $rate);
  }
  var $buttons = [].slice.call(document.querySelectorAll("button[data-{{ mark }}]"));
  $buttons.forEach(function ($button) {
    $button.addEventListener("click", function () {
      var $name = $button.getAttribute("data-{{ mark }}");
      if ($name === "invert") {
        $inverted = !$inverted;
        $draw();
      } else if ($name === "cine") {
        $cine($button);
      } else if ($name === "reset") {
        $zoom = 1;
        $shiftX = 0;
        $shiftY = 0;
        $inverted = false;
        $chosen = false;
        $presets.selectedIndex = 0;
        $show($at);
      } else {
        $select($name);
      }
    });
  });
  $presets.addEventListener("change", function () {
    var $pair = $presets.value.split(",").map(Number);
    $chosen = $pair[1] > 0;
    if ($chosen) {
      $level = $pair[0];
      $width = $pair[1];
    }
    $show($at);
  });
  $screen.addEventListener("wheel", function ($event) {
    $event.preventDefault();
    if ($mode === "zoom" || $event.ctrlKey) {
      $zoom = Math.max(0.2, Math.min(12, $zoom * ($event.deltaY < 0 ? 1.12 : 0.89)));
      $draw();
    } else {
      $show($at + ($event.deltaY > 0 ? 1 : -1));
    }
  });
  $screen.addEventListener("mousedown", function ($event) {
    $event.preventDefault();
    $drag = { x: $event.clientX, y: $event.clientY, b: $event.button };
  });
  window.addEventListener("mousemove", function ($event) {
    if (!$drag) {
      return;
    }
    var $dx = $event.clientX - $drag.x;
    var $dy = $event.clientY - $drag.y;
    $drag.x = $event.clientX;
    $drag.y = $event.clientY;
    if ($mode === "pan" || $drag.b === 1) {
      $shiftX += $dx;
      $shiftY += $dy;
      $draw();
    } else if ($mode === "zoom" || $drag.b === 2) {
      $zoom = Math.max(0.2, Math.min(12, $zoom * (1 - $dy / 150)));
      $draw();
    } else if ($mode === "scroll") {
      if ($dy) {
        $show($at + ($dy > 0 ? 1 : -1));
      }
    } else if ($current && !$current.k && $width) {
      $chosen = true;
      $width = Math.max(1, $width + $dx * Math.max(1, $width / 300));
      $level += $dy * Math.max(1, $width / 300);
      $draw();
      $again();
    }
  });
  window.addEventListener("mouseup", function () {
    $drag = null;
  });
  $screen.addEventListener("contextmenu", function ($event) {
    $event.preventDefault();
  });
  document.addEventListener("keydown", function ($event) {
    var $steps = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1, PageDown: 10, PageUp: -10 };
    if ($event.target.tagName === "SELECT" || $event.target.tagName === "INPUT") {
      return;
    }
    if ($event.key === "Home") {
      $show(0);
    } else if ($event.key === "End") {
      $show($slices.length - 1);
    } else if ($event.key === "i") {
      $inverted = !$inverted;
      $draw();
    } else if ($steps[$event.key]) {
      $event.preventDefault();
      $show($at + $steps[$event.key]);
    }
  });
  window.addEventListener("resize", $draw);
  $show(Math.floor($slices.length / 2));
}());
