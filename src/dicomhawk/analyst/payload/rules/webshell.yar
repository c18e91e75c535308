// Pages that run what they are told. A web server that stores uploads where it serves from would run them.

rule webshell_php {
  meta:
    description = "PHP web shell"
    severity = 4
  strings:
    $run = /\b(eval|assert|system|exec|shell_exec|passthru|popen|proc_open|create_function)\s*\(\s*@?(base64_decode\s*\(\s*)?(gzinflate\s*\(\s*)?(str_rot13\s*\(\s*)?\$_(GET|POST|REQUEST|COOKIE|SERVER|FILES)/ nocase
    $backtick = /`\s*\$_(GET|POST|REQUEST|COOKIE)/ nocase
    $hidden = /eval\s*\(\s*(gzinflate|gzuncompress|str_rot13|base64_decode)\s*\(/ nocase
    $called = /\$_(GET|POST|REQUEST)\s*\[[^\]]{1,40}\]\s*\(\s*\$_(GET|POST|REQUEST)/ nocase
    $php = "<?"
  condition:
    $php and ($run or $backtick or $hidden or $called)
}

rule webshell_jsp {
  meta:
    description = "JSP web shell"
    severity = 4
  strings:
    $tag = "<%"
    $exec = /Runtime\s*\.\s*getRuntime\s*\(\s*\)\s*\.\s*exec\s*\(/
    $builder = /new\s+ProcessBuilder\s*\(/
    $define = /defineClass\s*\(/
    $parameter = "getParameter" 
  condition:
    $tag and ($exec or $builder or $define) and $parameter
}

rule webshell_aspx {
  meta:
    description = "ASP.NET web shell"
    severity = 4
  strings:
    $tag = "<%"
    $eval = /eval\s*\(\s*Request(\.(Item|Form|QueryString))?\s*[\[(]/ nocase
    $process = /(Process\.Start|ProcessStartInfo)\s*\(/ nocase
    $request = /Request\s*(\.(Form|QueryString|Params))?\s*[\[(.]/ nocase
    $wscript = /CreateObject\s*\(\s*["']WScript\.Shell["']\s*\)/ nocase
  condition:
    $tag and ($eval or ($process and $request) or ($wscript and $request))
}

rule webshell_known {
  meta:
    description = "known web shell"
    severity = 4
  strings:
    $a = "b374k" nocase
    $b = "c99shell" nocase
    $c = "r57shell" nocase
    $d = "WSO_VERSION"
    $e = "FilesMan" fullword
    $f = "China Chopper" nocase
    $g = "antSword" nocase
    $h = "Godzilla" fullword
    $page = /<\?|<%/
  condition:
    $page and any of ($a, $b, $c, $d, $e, $f, $g, $h)
}
