// Documents that do something when they are opened.

rule pdf_active {
  meta:
    description = "PDF that runs something when it is opened"
    severity = 3
  strings:
    $head = "%PDF-"
    $script = /\/(JavaScript|JS)[\s\/(<\d]/
    $launch = /\/Launch[\s\/(<]/
    $open = /\/(OpenAction|AA)[\s\/(<\d]/
    $embedded = /\/EmbeddedFiles?[\s\/(<]/
  condition:
    $head and ($launch or ($script and $open) or ($embedded and $open))
}

rule office_macro {
  meta:
    description = "Office document with macros"
    severity = 2
  strings:
    $vba = "vbaProject.bin"
    $auto = /(Auto_?Open|Document_Open|Workbook_Open)/ nocase
    $old = "_VBA_PROJECT" wide
  condition:
    (uint32(0) == 0x04034B50 and $vba) or (uint32be(0) == 0xD0CF11E0 and ($old or $auto))
}

rule office_template_injection {
  meta:
    description = "Office document that fetches its template"
    severity = 3
  strings:
    $type = "/attachedTemplate\""
    $external = "TargetMode=\"External\""
    $url = /Target="(https?|file|\\\\|ftp):?/
  condition:
    $type and $external and $url
}

rule rtf_object {
  meta:
    description = "RTF with an embedded object"
    severity = 3
  strings:
    $object = "\\objdata"
    $update = "\\objupdate"
    $equation = "45717561746f6e" nocase
  condition:
    uint32be(0) == 0x7B5C7274 and $object and ($update or $equation)
}

rule shortcut_command {
  meta:
    description = "Windows shortcut that runs a command"
    severity = 4
  strings:
    $shell = /(powershell|cmd\.exe|mshta|wscript|cscript|rundll32)/ nocase ascii wide
  condition:
    uint32(0) == 0x0000004C and uint32(4) == 0x00021401 and $shell
}
