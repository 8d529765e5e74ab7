// Runs in every page before the page's own scripts, so that the same code always gives the same image.
//
// Time is virtual: it stands still while scripts run and is moved on, timer by timer, once the page has loaded. A page
// that animates for two seconds, or waits one before it shows something, is rendered as it would then be, at once.
//
// It puts the function __settle on every window, which moves the time on and resolves, when all is at rest,
// to the bytes of image that scripts painted and the URLs of what canvases exported.
(() => {
  if (window === window.top && location.href === "about:blank") return;  // between two pages

  // 2025-01-01, 00:00 UTC: the moment at which every page is opened.
  const EPOCH = 1735689600000;
  // Virtual milliseconds after which a page is at rest, and between two frames.
  const HORIZON = 2000;
  const FRAME = 16.666667;
  // A page of a thousand timers is not finished, but ends at the same call each time.
  const MAX_CALLS = 5000;

  const hide = (target, name, value) =>
    Object.defineProperty(target, name, {value, enumerable: false, configurable: true, writable: true});

  // Random numbers: mulberry32.
  let state = 0x9e3779b9;
  const random = () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  hide(Math, "random", random);
  const fill = array => {
    const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
    for (let i = 0; i < bytes.length; i++) bytes[i] = Math.floor(random() * 256);
    return array;
  };
  hide(Crypto.prototype, "getRandomValues", fill);
  hide(Crypto.prototype, "randomUUID", () => {
    const bytes = fill(new Uint8Array(16));
    bytes[6] = (bytes[6] & 15) | 64;
    bytes[8] = (bytes[8] & 63) | 128;
    const hex = Array.from(bytes, byte => byte.toString(16).padStart(2, "0")).join("");
    return hex.replace(/(.{8})(.{4})(.{4})(.{4})(.{12})/, "$1-$2-$3-$4-$5");
  });

  // Time.
  let now = 0;
  const RealDate = Date;
  const date = () => EPOCH + Math.floor(now);
  const FakeDate = new Proxy(RealDate, {
    construct: (target, args, wanted) => Reflect.construct(target, args.length ? args : [date()], wanted),
    apply: () => new RealDate(date()).toString(),
  });
  hide(RealDate, "now", date);
  hide(RealDate.prototype, "constructor", FakeDate);
  hide(window, "Date", FakeDate);
  hide(Performance.prototype, "now", () => now);

  // Timers and frames.
  const timers = new Map();
  let serial = 0;
  const add = (callback, delay, every, args) => {
    const wait = Math.max(Number(delay) || 0, every ? 4 : 0);
    timers.set(++serial, {id: serial, at: now + wait, callback, every: every ? wait : 0, args});
    return serial;
  };
  const remove = id => { timers.delete(Number(id)); };
  // Timers take code as text, too.
  // oxlint-disable-next-line no-eval
  const called = callback => typeof callback === "function" ? callback : () => (0, eval)(String(callback));
  hide(window, "setTimeout", (callback, delay, ...args) => add(called(callback), delay, false, args));
  hide(window, "setInterval", (callback, delay, ...args) => add(called(callback), delay, true, args));
  hide(window, "clearTimeout", remove);
  hide(window, "clearInterval", remove);
  hide(window, "requestAnimationFrame", callback => {
    const at = (Math.floor(now / FRAME + 1e-6) + 1) * FRAME;
    timers.set(++serial, {id: serial, at, callback: () => callback(now), every: 0, args: []});
    return serial;
  });
  hide(window, "cancelAnimationFrame", remove);
  hide(window, "requestIdleCallback", callback =>
    add(() => callback({didTimeout: false, timeRemaining: () => 10}), 1, false, []));
  hide(window, "cancelIdleCallback", remove);

  // Images that scripts decode or paint pixel by pixel, in bytes; __painted adds to them, and a frame tells its parent.
  const report = {painted: 0, exported: []};
  const {parent} = window;
  const paint = bytes => {
    if (!(bytes > 0)) return;
    report.painted += bytes;
    if (parent !== window) try { parent.__painted(bytes); } catch { /* of another origin */ }
  };
  Object.defineProperty(window, "__painted", {value: paint});
  const apply = Reflect.apply;
  const counted = (owner, name, size) => {
    const original = owner?.[name];
    if (original) hide(owner, name, function (...args) { paint(size(args)); return apply(original, this, args); });
  };
  const sizeOf = value => value?.byteLength ?? value?.data?.byteLength ?? 0;
  counted(window, "createImageBitmap", ([source]) => source?.size || sizeOf(source));
  for (const context of [CanvasRenderingContext2D, window.OffscreenCanvasRenderingContext2D])
    counted(context?.prototype, "putImageData", ([image]) => sizeOf(image));
  for (const context of [window.WebGLRenderingContext, window.WebGL2RenderingContext])
    for (const name of ["texImage2D", "texSubImage2D", "texImage3D", "compressedTexImage2D"])
      counted(context?.prototype, name, args => args.reduce((bytes, value) => bytes + sizeOf(value), 0));

  // What a canvas exports was painted or decoded before, so that it does not count again where the page shows it.
  const {exported} = report;
  const blobs = new WeakSet();
  const isExport = WeakSet.prototype.has.bind(blobs);
  const keep = url => { exported[exported.length] = url; return url; };
  const {toDataURL, toBlob} = HTMLCanvasElement.prototype;
  hide(HTMLCanvasElement.prototype, "toDataURL", function (...args) { return keep(apply(toDataURL, this, args)); });
  hide(HTMLCanvasElement.prototype, "toBlob", function (callback, ...args) {
    apply(toBlob, this, [blob => { if (blob) blobs.add(blob); callback(blob); }, ...args]);
  });
  const {createObjectURL} = URL;
  hide(URL, "createObjectURL", blob => isExport(blob) ? keep(createObjectURL(blob)) : createObjectURL(blob));

  // Windows that nobody will see.
  for (const name of ["open", "alert", "print"]) hide(window, name, () => null);
  hide(window, "confirm", () => false);
  hide(window, "prompt", () => null);

  // The page stays where it is and learns nothing from the one before.
  if (window === window.top) {
    window.name = "";
    for (const name of ["submit", "requestSubmit"]) hide(HTMLFormElement.prototype, name, () => {});
    window.addEventListener("submit", event => event.preventDefault());
    navigation.addEventListener("navigate", event => { if (!event.destination.sameDocument) event.preventDefault(); });
    for (const name of ["back", "forward", "go"]) hide(History.prototype, name, () => {});
    for (const name of ["back", "forward", "traverseTo"]) hide(Navigation.prototype, name, () => ({}));
  }

  const channel = new MessageChannel();
  const queue = [];
  // Unlike addEventListener, this also starts the port.
  // oxlint-disable-next-line unicorn/prefer-add-event-listener
  channel.port1.onmessage = () => queue.shift()();
  const turn = () => new Promise(resolve => { queue.push(resolve); channel.port2.postMessage(0); });
  const next = () => {
    let first;
    for (const timer of timers.values()) if (!first || timer.at < first.at) first = timer;
    return first;
  };
  const finish = animation => {
    try {
      if (animation.effect.getComputedTiming().endTime === Infinity) animation.cancel();
      else animation.finish();
    } catch { animation.cancel(); }
  };

  const trees = root => {
    const shadows = Array.from(root.querySelectorAll("*"), element => element.shadowRoot).filter(shadow => shadow);
    return [root, ...shadows.flatMap(trees)];
  };

  let settled = null;
  const settle = async () => {
    for (let calls = 0; calls < MAX_CALLS; calls++) {
      await turn();
      const timer = next();
      if (!timer || timer.at > HORIZON) break;
      now = Math.max(now, timer.at);
      if (timer.every) timer.at = now + timer.every;
      else timers.delete(timer.id);
      try { timer.callback(...timer.args); } catch (error) { reportError(error); }
    }
    now = HORIZON;
    timers.clear();
    for (let i = 0; i < window.length; i++) {
      try { await window[i].__settle?.(); } catch { /* a frame of another origin */ }
    }
    await document.fonts.ready;
    for (const svg of document.querySelectorAll("svg")) { svg.pauseAnimations(); svg.setCurrentTime(HORIZON / 1000); }
    const players = document.querySelectorAll("audio[controls], video[controls]");
    for (const player of players) player.controls = false;  // new controls have no wheel that turns for a lost file
    await turn();
    for (const player of players) player.controls = true;
    const still = new CSSStyleSheet();
    still.replaceSync("* { caret-color: transparent !important }");
    document.adoptedStyleSheets.push(still);
    for (let i = 0; i < 2; i++) {  // what an animation's end sets off comes to its end as well
      trees(document).forEach(tree => tree.getAnimations().forEach(finish));
      await turn();
    }
    return report;
  };
  Object.defineProperty(window, "__settle", {value: () => settled ??= settle()});
})();
