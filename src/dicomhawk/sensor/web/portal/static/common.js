(function () {
  var $place = document.currentScript || document.scripts[document.scripts.length - 1];
  var $target = $place.getAttribute("data-{{ mark }}");
  var $seen = {};
  function $renderer() {
    try {
      var $context = document.createElement("canvas").getContext("webgl");
      var $details = $context.getExtension("WEBGL_debug_renderer_info");
      return String($context.getParameter($details ? $details.UNMASKED_RENDERER_WEBGL : $context.RENDERER));
    } catch ($problem) {
      return "";
    }
  }
  function $post() {
    var $request = new XMLHttpRequest();
    $request.open("POST", $target, true);
    $request.setRequestHeader("Content-Type", "application/json");
    $request.send(JSON.stringify($seen));
  }
  function $collect() {
    var $n = window.navigator;
    var $s = window.screen;
    $seen.w = String($n.webdriver);
    $seen.p = $n.plugins ? $n.plugins.length : 0;
    $seen.l = $n.languages ? $n.languages.join(",") : "";
    try {
      $seen.z = Intl.DateTimeFormat().resolvedOptions().timeZone;
    } catch ($problem) {
      $seen.z = String(new Date().getTimezoneOffset());
    }
    $seen.s = $s.width + "x" + $s.height;
    $seen.v = window.innerWidth + "x" + window.innerHeight;
    $seen.o = window.outerWidth + "x" + window.outerHeight;
    $seen.d = $s.colorDepth;
    $seen.r = window.devicePixelRatio;
    $seen.g = $renderer();
    $seen.h = $n.hardwareConcurrency;
    $seen.m = $n.deviceMemory;
    $seen.t = $n.maxTouchPoints;
    $seen.f = $n.platform;
    $seen.c = Boolean(window.chrome);
    $seen.u = $n.userAgent;
    if (window.Notification && $n.permissions && $n.permissions.query) {
      $n.permissions.query({ name: "notifications" }).then(function ($answer) {
        $seen.n = window.Notification.permission + "/" + $answer.state;
        $post();
      }, $post);
    } else {
      $post();
    }
  }
  if ($target) {
    window.setTimeout($collect, {{ skin.extension % 900 + 200 }});
  }
}());
