// Texts that make the software behind an archive do something: loggers, deserialisers, scripting interfaces.

rule log4shell {
  meta:
    description = "look-up for Log4j"
    reference = "CVE-2021-44228"
    severity = 4
  strings:
    $plain = /\$\{jndi:(ldaps?|rmi|dns|iiop|corba|nds|https?):/ nocase
    $hidden = /\$\{[a-z]{0,5}\$\{(lower|upper|::-|env:|sys:|date:|base64:|[A-Za-z:_]{0,20}:-)[^}\r\n]{0,40}\}/ nocase
    $encoded = "%24%7Bjndi" nocase
  condition:
    any of them
}

rule mirth_xstream {
  meta:
    description = "XStream object for Mirth Connect"
    reference = "CVE-2023-43208 CVE-2023-37679"
    severity = 4
  strings:
    $proxy = "<dynamic-proxy>"
    $handler = "java.beans.EventHandler"
    $transformer = "InvokerTransformer"
    $chain = "ChainedTransformer"
    $sorted = "<sorted-set>"
    $handler2 = "org.apache.commons.lang3.event.EventUtils"
  condition:
    ($proxy or $sorted) and any of ($handler, $transformer, $chain, $handler2)
}

rule orthanc_configuration {
  meta:
    description = "configuration for Orthanc that opens it"
    reference = "CVE-2023-33466"
    severity = 4
  strings:
    $remote = /"(RemoteAccessAllowed|ExecuteLuaEnabled|RestApiWriteToFileSystemEnabled)"\s*:\s*true/
    $noauth = /"AuthenticationEnabled"\s*:\s*false/
    $lua = /"LuaScripts"\s*:\s*\[\s*"/
  condition:
    any of them
}

rule orthanc_lua {
  meta:
    description = "Lua that runs a command"
    severity = 4
  strings:
    $a = /os\.execute\s*\(/
    $b = /io\.popen\s*\(/
    $c = /package\.loadlib\s*\(/
  condition:
    any of them
}

rule spring_expression {
  meta:
    description = "expression for Spring or OGNL"
    severity = 4
  strings:
    $a = /T\s*\(\s*java\.lang\.(Runtime|ProcessBuilder|System)\s*\)/
    $b = "class.module.classLoader" nocase
    $c = /#_memberAccess|@java\.lang\.Runtime@getRuntime/ 
  condition:
    any of them
}

rule xml_external_entity {
  meta:
    description = "XML that reads files or calls hosts"
    severity = 3
  strings:
    $a = /<!ENTITY\s+(%\s+)?[\w.-]{1,40}\s+(SYSTEM|PUBLIC)\s+["'][^"']{1,200}["']/ nocase
  condition:
    $a
}

rule xml_bomb {
  meta:
    description = "XML of entities that multiply"
    severity = 3
  strings:
    $a = /<!ENTITY\s+[\w.-]{1,40}\s+["'](&[\w.-]{1,40};){4}/ nocase
  condition:
    #a > 2
}
