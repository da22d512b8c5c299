// Sign-up, log-in, characters, tokens. The session's token lives in this tab only; everything
// from the server is put into the page as text, never as HTML.

const TOKEN_KEY = "orrery.session";
const NAME_KEY = "orrery.name";

const byId = (id) => document.getElementById(id);

let signingUp = false;
let connectTimer = 0;
let connection = null;

/** Asks the server. Throws an object { status, code, message } when it refuses. */
async function ask(method, path, body) {
  const headers = {};
  const token = sessionStorage.getItem(TOKEN_KEY);
  if (token) headers.authorization = `Bearer ${token}`;
  if (body !== undefined) headers["content-type"] = "application/json";
  let response;
  try {
    response = await fetch(path, { method, headers, body: body && JSON.stringify(body) });
  } catch {
    throw { status: 0, code: "unreachable", message: "The server does not answer. Is it running?" };
  }
  if (response.status === 204) return null;
  const answer = await response.json().catch(() => null);
  if (response.ok && answer) return answer;
  throw {
    status: response.status,
    code: answer?.code ?? "unknown",
    message: answer?.message ?? `The server answered with status ${response.status}.`,
  };
}

function say(id, text) {
  const element = byId(id);
  element.textContent = text ?? "";
  element.hidden = !text;
}

/** Keeps a button from being pressed twice while something is under way. */
async function busy(button, work) {
  const label = button.textContent;
  button.disabled = true;
  button.textContent = "One moment…";
  try {
    await work();
  } finally {
    button.disabled = false;
    button.textContent = label;
  }
}

// Outside: the account.

function chooseTab(signUp, focus) {
  signingUp = signUp;
  const tabs = [byId("tab-log-in"), byId("tab-sign-up")];
  tabs.forEach((tab, index) => {
    const selected = (index === 1) === signUp;
    tab.setAttribute("aria-selected", String(selected));
    tab.tabIndex = selected ? 0 : -1;
    if (selected && focus) tab.focus();
  });
  byId("account-form").setAttribute("aria-labelledby", signUp ? "tab-sign-up" : "tab-log-in");
  byId("account-submit").textContent = signUp ? "Sign up" : "Log in";
  byId("password").autocomplete = signUp ? "new-password" : "current-password";
  byId("name-hint").hidden = !signUp;
  byId("password-hint").hidden = !signUp;
  say("account-message", "");
  mark(null);
}

/** Marks the field that is wrong, if it is known. */
function mark(id) {
  for (const field of ["name", "password"]) {
    if (field === id) byId(field).setAttribute("aria-invalid", "true");
    else byId(field).removeAttribute("aria-invalid");
  }
  if (id) byId(id).focus();
}

async function enter(event) {
  event.preventDefault();
  const name = byId("name").value.trim();
  const password = byId("password").value;
  if (!name || !password) {
    say("account-message", "Fill in a name and a password.");
    mark(name ? "password" : "name");
    return;
  }
  say("account-message", "");
  mark(null);
  await busy(byId("account-submit"), async () => {
    try {
      const path = signingUp ? "/api/v1/accounts" : "/api/v1/sessions";
      const session = await ask("POST", path, { name, password });
      sessionStorage.setItem(TOKEN_KEY, session.token);
      sessionStorage.setItem(NAME_KEY, name);
      byId("password").value = "";
      await showInside(true);
    } catch (problem) {
      say("account-message", problem.message);
      if (problem.code.startsWith("name_")) mark("name");
      else if (problem.code.startsWith("password_")) mark("password");
    }
  });
}

function showOutside(message) {
  sessionStorage.removeItem(TOKEN_KEY);
  closeConnect();
  byId("inside").hidden = true;
  byId("outside").hidden = false;
  byId("log-out").hidden = true;
  say("account-message", message);
  byId("name").value = sessionStorage.getItem(NAME_KEY) ?? "";
}

async function logOut() {
  try {
    await ask("DELETE", "/api/v1/sessions/current");
  } catch {
    // The token is forgotten here in any case, and expires by itself.
  }
  sessionStorage.removeItem(NAME_KEY);
  showOutside("");
  byId("name").focus();
}

// Inside: characters.

async function showInside(focus) {
  let list;
  try {
    list = await ask("GET", "/api/v1/characters");
  } catch (problem) {
    if (problem.status === 401) showOutside("Your session is over: log in again.");
    else showOutside(problem.message);
    return;
  }
  byId("outside").hidden = true;
  byId("inside").hidden = false;
  byId("log-out").hidden = false;
  say("characters-message", "");
  const characters = list.characters;
  byId("characters").replaceChildren(...characters.map(characterItem));
  const name = sessionStorage.getItem(NAME_KEY);
  byId("characters-count").textContent =
    `${characters.length} of ${list.characters_max}` + (name ? ` · ${name}` : "");
  byId("create").hidden = characters.length >= list.characters_max;
  if (focus) byId(characters.length ? "characters-title" : "character-name").focus();
}

function characterItem(character) {
  const title = document.createElement("h2");
  title.textContent = character.name;
  if (character.online) {
    const tag = document.createElement("span");
    tag.className = "tag";
    tag.textContent = "in the game";
    title.append(tag);
  }
  const { system, station } = character.place;
  const about = document.createElement("p");
  about.className = "muted";
  about.textContent =
    `${character.ship.name || "Ship"} · ` + (station ? `docked at ${station}, ${system}` : `in space, ${system}`);
  const texts = document.createElement("div");
  texts.append(title, about);
  const play = document.createElement("button");
  play.type = "button";
  play.textContent = "Play";
  play.setAttribute("aria-label", `Play ${character.name}`);
  play.addEventListener("click", () => busy(play, () => openConnect(character)));
  const item = document.createElement("li");
  item.className = "panel character";
  item.append(texts, play);
  return item;
}

async function create(event) {
  event.preventDefault();
  const input = byId("character-name");
  const name = input.value.trim();
  say("create-message", name ? "" : "Fill in a name.");
  if (!name) {
    input.focus();
    return;
  }
  await busy(byId("create-submit"), async () => {
    try {
      await ask("POST", "/api/v1/characters", { name });
      input.value = "";
      await showInside(true);
    } catch (problem) {
      if (problem.status === 401) {
        showOutside("Your session is over: log in again.");
        return;
      }
      say("create-message", problem.message);
      input.focus();
    }
  });
}

// Inside: the way into the game.

async function openConnect(character) {
  let token;
  try {
    token = await ask("POST", "/api/v1/game-token", { character: character.id });
  } catch (problem) {
    if (problem.status === 401) showOutside("Your session is over: log in again.");
    else say("characters-message", problem.message);
    return;
  }
  say("characters-message", "");
  connection = { character, token };
  byId("connect-title").textContent = `Connect a client as ${character.name}`;
  byId("connect-address").textContent = token.quic.join("  ") || "no address";
  byId("connect-certificate").textContent = token.certificate_sha256;
  byId("connect-content").textContent = token.content_hash;
  byId("connect-token").textContent = token.token;
  byId("connect-message").textContent = "";
  byId("connect").hidden = false;
  byId("connect-title").focus();
  clearInterval(connectTimer);
  connectTimer = setInterval(countDown, 250);
  countDown();
}

function countDown() {
  const left = Math.ceil((connection.token.expires_ms - Date.now()) / 1000);
  byId("connect-left").textContent = left > 0 ? `for ${left} s` : "has expired: take a new one";
  for (const id of ["copy-all", "copy-token"]) byId(id).disabled = left <= 0;
  if (left <= 0) clearInterval(connectTimer);
}

function closeConnect() {
  clearInterval(connectTimer);
  connection = null;
  byId("connect").hidden = true;
  byId("connect-token").textContent = "";
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    byId("connect-message").textContent = "Copied.";
  } catch {
    byId("connect-message").textContent = "The browser does not allow copying: select the text.";
  }
}

// The server.

async function showServer() {
  const lamp = byId("server-state");
  try {
    const status = await ask("GET", "/api/v1/status");
    lamp.dataset.state = status.ready ? "good" : "bad";
    const count = new Intl.NumberFormat("en-GB").format(status.clients);
    const players = status.clients === 1 ? "1 player" : `${count} players`;
    lamp.textContent = status.ready ? players : "Not ready";
    lamp.title = status.reasons.join("; ");
    byId("version").textContent = status.version;
  } catch {
    lamp.dataset.state = "bad";
    lamp.textContent = "No answer";
  }
}

byId("tab-log-in").addEventListener("click", () => chooseTab(false, false));
byId("tab-sign-up").addEventListener("click", () => chooseTab(true, false));
document.querySelector(".tabs").addEventListener("keydown", (event) => {
  if (event.key === "ArrowLeft" || event.key === "ArrowRight") chooseTab(!signingUp, true);
});
byId("show-password").addEventListener("click", () => {
  const show = byId("password").type === "password";
  byId("password").type = show ? "text" : "password";
  byId("show-password").textContent = show ? "Hide" : "Show";
  byId("show-password").setAttribute("aria-pressed", String(show));
});
byId("account-form").addEventListener("submit", enter);
byId("create-form").addEventListener("submit", create);
byId("log-out").addEventListener("click", logOut);
byId("copy-all").addEventListener("click", () => copy(JSON.stringify(connection.token, null, 2)));
byId("copy-token").addEventListener("click", () => copy(connection.token.token));
byId("new-token").addEventListener("click", () => busy(byId("new-token"), () => openConnect(connection.character)));

showServer();
setInterval(showServer, 5000);
if (sessionStorage.getItem(TOKEN_KEY)) showInside(false);
else showOutside("");
