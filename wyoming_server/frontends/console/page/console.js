// Ties the console together: the parts are made, the server's events go to whom they concern, and all is read again after a gap.

import { Api } from "./api.js";
import { Cache } from "./cache.js";
import { Catalogue } from "./catalogue.js";
import { Composer } from "./composer.js";
import { $, tell, write } from "./dom.js";
import { Errors } from "./errors.js";
import { Events } from "./events.js";
import { History } from "./history.js";
import { Live } from "./live.js";
import { askForToken } from "./pairing.js";
import { explain } from "./problems.js";
import { Services } from "./services.js";
import { Studio } from "./studio.js";
import { Voices } from "./voices.js";
import { language, number, put, say, translate, use } from "./words.js";

const VIEWS = ["speak", "live", "engines"];

const api = new Api(askForToken);
const catalogue = new Catalogue(api);
const studio = new Studio(api, { changed: (take, isNew) => changed(take, isNew) });
const voices = new Voices(catalogue, () => composer?.chosen());
const history = new History((take) => composer.replay(take));
const live = new Live(api, studio.session, (name) => catalogue.title(name));
const errors = new Errors(api);
const services = new Services(api);
const cache = new Cache(api);
let composer = null;
let server = null;
let connection = ["connecting", 0];

function changed(take, isNew) {
  if (isNew) history.add(take);
  history.show(take);
  composer.changed(take, isNew);
}

// What the server says ------------------------------------------------------------------------------------------------

async function readVoices() {
  try {
    await catalogue.read();
    tell($("voices-problem"), "");
  } catch (problem) {
    tell($("voices-problem"), problem.isMissing ? say("missingPart") : explain(problem));
  }
  voices.show();
  showToken();
}

function readAll() {
  readVoices();
  live.read();
  errors.read();
  services.read();
  cache.read();
}

const HAPPENED = {
  hello(told) {
    server = told;
    showServer();
    readAll(); // whatever happened while nobody listened
  },
  voices: readVoices,
  engine: (service) => services.update({ ...service, kind: "engine" }),
  converter: (service) => services.update({ ...service, kind: "converter" }),
  session_ended({ outcome }) {
    services.ended();
    cache.ended();
    if (outcome === "failed") errors.read();
  },
  config: readAll,
};

function happened(name, data) {
  if (name.startsWith("session_")) {
    studio.happened(name, data);
    live.happened(name, data);
  }
  HAPPENED[name]?.(data);
}

const events = new Events(api, { happened, changed: connected });

function connected(state, pause) {
  connection = [state, pause];
  showConnection();
  if (state === "missing") readAll();
}

// What a person sees --------------------------------------------------------------------------------------------------

function showConnection() {
  const [state, pause] = connection;
  $("state").dataset.state = state === "open" ? "ready" : state;
  put($("state"), `events_${state}`, { seconds: number(pause) });
  $("again").hidden = !["lost", "refused", "missing"].includes(state);
  showToken();
}

function showToken() {
  $("forget").hidden = !api.hasToken;
}

function showServer() {
  if (!server) return;
  write($("server"), [server.name, `Herald ${server.version}`].filter(Boolean).join(" · "));
}

// The view that the address names; each is a part of the same page.
function showView() {
  const wanted = location.hash.slice(1);
  const view = VIEWS.includes(wanted) ? wanted : VIEWS[0];
  for (const name of VIEWS) {
    $(`view-${name}`).hidden = name !== view;
    const link = document.querySelector(`nav a[href="#${name}"]`);
    if (name === view) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  scrollTo(0, 0);
  composer.show(); // a canvas that was hidden has no size
}

function speak(tag) {
  use(tag);
  translate(document);
  voices.show();
  history.translate();
  live.translate();
  errors.show();
  services.translate();
  cache.show();
  composer.chosen();
  showConnection();
}

// What a person does --------------------------------------------------------------------------------------------------

document.onkeydown = (event) => {
  if (event.key === "Escape" && !event.isComposing && !document.querySelector("dialog[open]")) composer.stop(event.timeStamp);
};
$("language").onchange = () => speak($("language").value);
$("again").onclick = () => events.again();
$("forget").onclick = () => {
  api.forget();
  location.reload();
};
addEventListener("hashchange", showView);
addEventListener("online", () => events.again());

translate(document);
$("language").value = language;
composer = new Composer(studio, voices, catalogue);
voices.show();
showView();
showConnection();
readVoices();
events.run();
