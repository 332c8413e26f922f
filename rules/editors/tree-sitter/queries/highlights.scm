; Colours of rule files.

(comment) @comment
(documentation) @comment.documentation
(keyword) @keyword
(number) @number
(unit) @type.builtin
(time) @constant
(instant) @constant
(text) @string
(escape) @string.escape
(hole) @string.special
(operator) @operator
(call function: (function) @function)
(member field: (_) @property)
(declaration kind: (keyword) (name) @type)
