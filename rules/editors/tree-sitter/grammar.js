// Rule files for tree-sitter: declarations and blocks, and in them words, numbers with units, texts and calls.
//
// What a clause may say is the compiler's business. A form that is new to this grammar is still words in a block, and is coloured as such.

const { keywords, units, times } = require('./words.js');

const literal = (text) => text.replace(/[/%]/g, '\\$&');
const any = (list) => list.map(literal).join('|');

module.exports = grammar({
  name: 'vitalog_rules',

  word: ($) => $.word,

  extras: ($) => [/\s/, $.comment, $.documentation],

  rules: {
    file: ($) => repeat($.declaration),

    // `rule low "Low" { … }`, `use health`, `interval stream sleep every 1 d { … }`.
    declaration: ($) =>
      choice(
        seq(field('kind', alias('use', $.keyword)), alias($.word, $.name)),
        seq(
          field('kind', alias(choice('stream', 'interval', 'profile', 'rule', 'test', 'policy'), $.keyword)),
          repeat(choice(alias($.word, $.name), $.text, $.quantity, $.keyword, ',')),
          $.block,
        ),
      ),

    block: ($) => seq('{', repeat(choice($._said, $.keyword, $.block)), '}'),

    _said: ($) =>
      choice(
        $.quantity,
        $.member,
        $.call,
        alias($.word, $.name),
        $.text,
        $.time,
        $.instant,
        $.operator,
        $.group,
        $.repeats,
        ',',
      ),

    group: ($) => seq('(', repeat(choice($._said, $.keyword)), ')'),

    call: ($) =>
      seq(field('function', alias($.word, $.function)), token.immediate('('), repeat(choice($._said, $.keyword)), ')'),

    // `bp{3}`, `low{2..}`.
    repeats: (_) => token.immediate(prec(1, /\{\s*\d+\s*(\.\.\s*\d*)?\s*\}/)),

    member: ($) =>
      prec(2, seq(field('of', choice($.word, $.keyword)), token.immediate('.'), field('field', choice($.word, $.keyword)))),

    quantity: ($) => prec.right(seq($.number, optional($.unit))),

    keyword: (_) => choice(...keywords),

    number: (_) => /\d+(\.\d+)?([eE][+-]?\d+)?/,

    // A unit stands behind its number on the same line.
    unit: (_) => token(prec(1, new RegExp(`(${any(units)})(\\/(${any(times)}))?`))),

    time: (_) => token(prec(2, /\d{1,2}:\d{2}(:\d{2})?/)),

    instant: (_) => token(prec(3, /\d{4}-\d{2}-\d{2}[0-9TZ:+.-]*/)),

    text: ($) => seq('"', repeat(choice($.escape, $.hole, $._letters)), token.immediate('"')),

    _letters: (_) => token.immediate(prec(1, /[^"\\{}\n]+/)),

    escape: (_) => token.immediate(/\\.|\{\{|\}\}/),

    hole: (_) => token.immediate(/\{[^{}"\n]*\}/),

    operator: (_) => choice('=', '==', '!=', '<', '<=', '>', '>=', '+', '-', '*', '/', '|', '%'),

    documentation: (_) => token(prec(1, /\/\/\/[^\n]*/)),

    comment: (_) => token(/\/\/[^\n]*/),

    word: (_) => /[\p{L}_][\p{L}\p{N}_]*/,
  },
});
