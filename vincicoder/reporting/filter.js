// Filters such as: overall < 0.5 and (status == "ok" or not domain == "svg"). They are parsed here and never run as code.
/* oxlint-disable no-unused-vars */
const FILTER_TOKEN =
  /\s*(?:(<=|>=|==|!=|[<>=~()])|"([^"]*)"|'([^']*)'|(-?\d+(?:\.\d+)?(?:e-?\d+)?)|([\p{L}_][\p{L}\d_./-]*))/uy;
const LONGEST_FILTER = 500;
const COMPARE = {
  "<": (a, b) => a < b,
  ">": (a, b) => a > b,
  "<=": (a, b) => a <= b,
  ">=": (a, b) => a >= b,
  "==": (a, b) => a === b,
  "!=": (a, b) => a !== b,
  "~": (a, b) => String(a).toLowerCase().includes(String(b).toLowerCase()),
};

function tokensOf(text) {
  const tokens = [];
  FILTER_TOKEN.lastIndex = 0;
  let place = 0;
  while (text.slice(place).trim()) {
    const found = FILTER_TOKEN.exec(text);
    if (!found) throw new Error(`cannot read ${text.slice(place).trim().slice(0, 20)}`);
    const [, sign, double, single, digits, word] = found;
    if (sign) tokens.push({ kind: "sign", value: sign === "=" ? "==" : sign });
    else if (digits !== undefined) tokens.push({ kind: "value", value: Number(digits) });
    else if (word !== undefined) tokens.push({ kind: "word", value: word });
    else tokens.push({ kind: "value", value: double ?? single });
    place = FILTER_TOKEN.lastIndex;
  }
  return tokens;
}

// Return a function of a row; throw an Error that says what is wrong. `columns` has a function of a row for each name.
function filterOf(text, columns) {
  if (text.length > LONGEST_FILTER) throw new Error(`longer than ${LONGEST_FILTER} characters`);
  const tokens = tokensOf(text);
  let next = 0;
  const is = (kind, value) => tokens[next]?.kind === kind && tokens[next].value === value;
  const takes = (kind, value) => is(kind, value) && ++next > 0;

  function either() {
    const parts = [both()];
    while (takes("word", "or")) parts.push(both());
    return (row) => parts.some((part) => part(row));
  }
  function both() {
    const parts = [single()];
    while (takes("word", "and")) parts.push(single());
    return (row) => parts.every((part) => part(row));
  }
  function single() {
    if (takes("word", "not")) {
      const part = single();
      return (row) => !part(row);
    }
    if (takes("sign", "(")) {
      const part = either();
      if (!takes("sign", ")")) throw new Error("a ) is missing");
      return part;
    }
    return comparison();
  }
  function comparison() {
    const left = operand();
    const sign = tokens[next]?.value;
    if (tokens[next]?.kind !== "sign" || !(sign in COMPARE)) throw new Error("a comparison such as < or == is missing");
    next++;
    const right = operand();
    // What a row does not have is neither equal nor unequal to anything.
    return (row) => [left(row), right(row)].every((value) => value !== undefined && value !== null)
      && (sign === "~" || typeof left(row) === typeof right(row)) && COMPARE[sign](left(row), right(row));
  }
  function operand() {
    const token = tokens[next++];
    if (!token || token.kind === "sign") throw new Error(token ? `a name or value is missing before ${token.value}` : "it ends too soon");
    if (token.kind === "value") return () => token.value;
    if (Object.hasOwn(columns, token.value)) return columns[token.value];
    throw new Error(`no column ${token.value}; text needs quotes. Columns: ${Object.keys(columns).join(", ")}`);
  }
  const whole = either();
  if (next < tokens.length) throw new Error(`and, or, or the end is missing before ${tokens[next].value}`);
  return whole;
}
