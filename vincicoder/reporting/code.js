// Code with coloured words, numbered lines, and the line that failed.
/* oxlint-disable no-unused-vars */
const PYTHON_WORDS = "False|None|True|and|as|assert|async|await|break|class|continue|def|del|elif|else|except|finally|for|from|global"
  + "|if|import|in|is|lambda|nonlocal|not|or|pass|raise|return|try|while|with|yield";
const MARKUP = String.raw`(?<comment><!--[\s\S]*?(?:-->|$))|(?<word></?[\w:-]+|/?>)|(?<string>(?<==\s*)(?:"[^"]*"|'[^']*'))`;
const WORDS = {
  python: String.raw`(?<comment>#[^\n]*)|(?<string>"""[\s\S]*?(?:"""|$)|'''[\s\S]*?(?:'''|$)|"(?:\\.|[^"\\\n])*"?`
    + String.raw`|'(?:\\.|[^'\\\n])*'?)|(?<word>\b(?:${PYTHON_WORDS})\b)|(?<number>\b\d[\w.]*)`,
  html: MARKUP,
  svg: MARKUP,
  latex: String.raw`(?<comment>(?<!\\)%[^\n]*)|(?<word>\\(?:[A-Za-z@]+\*?|.))|(?<string>\$[^$\n]*\$)|(?<number>\b\d[\d.]*)`,
};

function codeBlock(text, language, failing) {
  const block = make("pre", { class: "code" });
  let line = null;
  function begin() {
    const count = block.children.length + 1;
    line = make("span", { class: count === failing ? "line failing" : "line", "data-line": count });
    block.append(line);
  }
  // Each line ends with its own line break, so that what is copied is the code.
  function add(piece, kind) {
    piece.split("\n").forEach((part, i) => {
      if (i > 0) {
        line.append("\n");
        begin();
      }
      if (part) line.append(kind ? make("span", { class: kind }, part) : part);
    });
  }
  begin();
  let place = 0;
  if (WORDS[language]) {
    for (const found of text.matchAll(new RegExp(WORDS[language], "g"))) {
      add(text.slice(place, found.index));
      add(found[0], Object.entries(found.groups).find(([, value]) => value !== undefined)[0]);
      place = found.index + found[0].length;
    }
  }
  add(text.slice(place));
  return block;
}
