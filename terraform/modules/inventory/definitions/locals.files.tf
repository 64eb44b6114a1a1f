# The files as texts, and what YAML makes of them. A file that cannot be read becomes a problem, never an empty definition: from
# an empty one an apply would conclude that what it described is to be destroyed.
locals {
  names = {
    for kind in ["hubs", "clusters"] : kind => {
      for file in fileset("${var.path}/${kind}", "*.yaml") : trimsuffix(file, ".yaml") => "${kind}/${file}"
    }
  }
  texts = merge([
    for kind, files in local.names : { for name, file in files : file => file("${var.path}/${file}") }
  ]...)

  # Without comments and quoted texts what is left is structure and unquoted scalars, on the lines where they stood.
  _lines = {
    for file, text in local.texts : file => [
      for line in split("\n", replace(text, "\r", "")) : trimspace(replace(
        line, "/\"(?:[^\"\\\\]|\\\\.)*\"|'[^']*'|(?:^|[ \\t])#.*$/", " \"\" "
      ))
    ]
  }
  # Unquoted scalars of each line: keys and values, in blocks and in lists.
  _scalars = {
    for file, lines in local._lines : file => [
      for line in lines : [
        for part in split("\n", replace(replace(replace(line, "/^(?:- +)+/", ""), "/:(?: +|$)/", "\n"), "/[\\[\\]{},]/", "\n")) :
        trimspace(part) if trimspace(part) != ""
      ]
    ]
  }

  # What Terraform's YAML reader, YAML 1.1 and YAML 1.2 do not agree on; function_app/reading/plain_scalars.py says why for each.
  _plain     = "^(?:true|false|null|0|-?[1-9][0-9]{0,17})$"
  _ambiguous = "^(?:(?i:y|n|yes|no|on|off|true|false|null)|~|=|<<|[-+]?[0-9][0-9_]*|[-+]?0[xX][0-9a-fA-F_]+|[-+]?0[oO][0-7_]+|[-+]?0[bB][01_]+|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\\.[0-9_]*)?|[-+]?(?:\\.[0-9_]+|[0-9][0-9_]*(?:\\.[0-9_]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\\.(?i:inf|nan)|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt \\t].*)?|[&*!].*)$"
  _ambiguities = {
    for file, lines in local._scalars : file => flatten([
      for index, scalars in lines : [
        for scalar in scalars :
        "${file}:${index + 1}: `${scalar}` is read differently by different readers; put it in quotes if it is text."
        if can(regex(local._ambiguous, scalar)) && !can(regex(local._plain, scalar))
      ]
    ])
  }

  _decoded    = { for file, text in local.texts : file => yamldecode(text) if can(keys(yamldecode(text))) }
  _unreadable = [for file, text in local.texts : "${file}:1: this is not one YAML mapping; `egressctl validate` says where it breaks." if !can(local._decoded[file])]

  # YAML readers take the last of two equal keys without a word: there are fewer keys in what was read than in the text.
  _keys_written = { for file, lines in local._lines : file => length(flatten([for line in lines : regexall("[^\\s,\\[\\]{}][^,\\[\\]{}]*?:(?:\\s|$)", line)])) }
  _keys_read    = { for file, content in local._decoded : file => length(regexall("\"(?:[^\"\\\\]|\\\\.)*\":", jsonencode(content))) }
  _repeated = [
    for file, count in local._keys_read : "${file}:1: a key stands twice in one mapping; `egressctl validate` says which."
    if count != local._keys_written[file]
  ]

  # What everybody reads alike. Only this is judged further, so that one mistake is told once.
  read = {
    for file, content in local._decoded : file => content
    if length(local._ambiguities[file]) == 0 && local._keys_read[file] == local._keys_written[file]
  }

  misplaced = concat(
    flatten([
      for kind in ["hubs", "clusters"] : [
        for file in fileset("${var.path}/${kind}", "**") : "${kind}/${file}: definitions end in .yaml and lie directly in ${kind}/."
        if !can(regex("^[^/]+\\.yaml$", file)) && !startswith(file, ".")
      ]
    ]),
    [
      for kind in ["hubs", "clusters"] :
      "${kind}/: there is no ${kind} file under ${var.path}. A wrong path would plan the destruction of everything; correct `definitions`."
      if length(local.names[kind]) == 0
    ],
    length(local.names.hubs) > 0 && !anytrue([for content in values(local._decoded) : can(content.spec.azure.location)]) ? [
      "hubs/: no hub has an `azure` part, so there is nothing to build. What was built before would be destroyed."
    ] : [],
  )

  unread = concat(local.misplaced, local._unreadable, local._repeated, flatten(values(local._ambiguities)))
}
