"use strict";
// Asks status.json while somebody looks, and puts its words in place. Rule for editors: text goes in as text, never as markup.
(() => {
  const EVERY_MS = 2000, AFTER_FAILURE_MS = 5000, DAYS = 14, DAY_MS = 86400000;
  const byId = (id) => document.getElementById(id);
  const STATES = {
    "well": ["Healthy", "Every check passes, and an upstream answered."],
    "by-memory": ["Serving, by memory", "It serves what it may, by the keys of its last answer: no upstream has answered since."],
    "not-ready": ["Not ready", "It is alive, and clients should not be sent here yet."],
    "sick": ["Sick", "A check fails; clients should not be sent here."],
  };
  const CHECKS = {
    "storagedriver_filesystem": "volume", "draining": "not stopping", "discovery": "keys from upstream",
  };
  const REASONS = {
    "missing": "came without a grant", "expired": "grant had expired", "not-yet-valid": "grant is not valid yet",
    "unknown-key": "grant signed by an unknown key", "no-keys": "no keys known to verify grants by", "bad-signature": "signature is wrong",
    "wrong-repository": "grant for another repository", "wrong-digest": "grant for another blob", "wrong-issuer": "grant of another DTR",
    "wrong-algorithm": "grant of another kind of key", "wrong-action": "grant for something else than pulling", "wrong-version": "grant of another version",
    "wrong-claims": "grant with wrong claims", "malformed": "grant is malformed", "repeated": "more than one grant", "too-long": "grant is too long",
    "upstream-denied": "the upstream refused", "credentials-wanted": "came without credentials",
  };

  const element = (name, text, attributes = {}) => {
    const made = document.createElement(name);
    if (text !== undefined) made.textContent = text;
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    return made;
  };
  const put = (id, text) => { const at = byId(id); if (at.textContent !== text) at.textContent = text; };
  const fill = (id, items, make) => {
    byId(id).replaceChildren(...items.map(make));
    const empty = byId(id + "-empty");
    if (empty) empty.hidden = items.length > 0;
    byId(id).hidden = items.length === 0;
  };

  const bytes = (count) => {
    if (count === null || count === undefined) return "–";
    if (count < 1000) return count + " B";
    const units = ["kB", "MB", "GB", "TB", "PB"];
    let unit = -1;
    do { count /= 1000; unit += 1; } while (count >= 999.95 && unit < units.length - 1);
    return (count < 10 ? count.toFixed(1) : count.toFixed(count < 100 ? 1 : 0)) + " " + units[unit];
  };
  const span = (seconds) => {
    seconds = Math.max(0, Math.round(seconds));
    if (seconds < 60) return seconds + " s";
    if (seconds < 3600) return Math.round(seconds / 60) + " min";
    if (seconds < 172800) return Math.round(seconds / 3600) + " h";
    return Math.round(seconds / 86400) + " days";
  };
  const ago = (now, then) => (now - then < 5 ? "just now" : span(now - then) + " ago");
  const many = (count, one, more) => count.toLocaleString("en") + " " + (count === 1 ? one : more);
  const percent = (part, whole) => (whole ? Math.floor((100 * part) / whole) + " %" : "–");
  const host = (url) => url.replace(/^https?:\/\//, "");

  // -- what is on its way: the rate comes from two looks, not from the whole of the transfer

  const looked = new Map();
  function rates(told) {
    const seen = new Set();
    for (const one of told.fills) {
      seen.add(one.blob);
      const before = looked.get(one.blob);
      let rate = one.average_bytes_per_s;
      if (before && told.now_s > before.at && one.bytes >= before.bytes) {
        const now = (one.bytes - before.bytes) / (told.now_s - before.at);
        rate = before.rate === undefined ? now : 0.5 * before.rate + 0.5 * now;
      }
      looked.set(one.blob, { at: told.now_s, bytes: one.bytes, rate });
      one.rate = rate;
    }
    for (const blob of looked.keys()) if (!seen.has(blob)) looked.delete(blob);
  }

  function fillRow(one) {
    const row = element("li"), line = element("div", undefined, { class: "line" }), after = element("div", undefined, { class: "line after" });
    const title = element("span");
    title.append(element("code", one.blob));
    line.append(title, element("span", one.of_bytes ? bytes(one.bytes) + " of " + bytes(one.of_bytes) : "size not known yet"));
    const bar = element("progress", undefined, { max: one.of_bytes || 1, "aria-label": "Blob " + one.blob });
    if (one.of_bytes) bar.value = one.bytes;
    const readers = one.readers ? many(one.readers, "client waits", "clients wait") : "for the next pull";
    const left = one.of_bytes && one.rate > 0 ? span((one.of_bytes - one.bytes) / one.rate) + " left" : "";
    const words = one.state === "waiting" ? "waits for its turn"
      : one.state === "verified" ? "verified, being stored"
      : one.of_bytes ? [percent(one.bytes, one.of_bytes), bytes(Math.round(one.rate)) + "/s", left].filter(Boolean).join(" · ")
      : "asking" ;
    after.append(element("span", words), element("span", [readers, one.upstream && "from " + host(one.upstream)].filter(Boolean).join(" · ")));
    row.append(line, bar, after);
    return row;
  }

  // -- the other sections

  function showState(told) {
    const [word, why] = STATES[told.health.state] || [told.health.state, ""];
    byId("state").dataset.state = told.health.state;
    put("state-word", word);
    put("state-why", told.health.state === "well" && told.mode === "upstream" ? "Every check passes." : why);
    const asked = told.health.checks.filter((check) => check.reason || check.name !== "discovery" || told.mode !== "upstream");
    fill("checks", asked, (check) => {
      const name = CHECKS[check.name] || check.name;
      return element("li", check.reason ? name + ": " + check.reason : name.startsWith("…/") ? "no file " + name : name, check.reason ? { "data-bad": "" } : {});
    });
    document.title = word + " – content cache";
    put("facts", ["version " + told.release, "up " + span(told.uptime_s), told.mode === "upstream" ? "asks upstream for each pull" : "verifies grants", certificate(told)].join(" · "));
  }
  function certificate(told) {
    if (!told.certificate) return "plain HTTP";
    const days = told.certificate.days_left;
    const until = new Date(told.certificate.expires_s * 1000).toISOString().slice(0, 10);
    if (days < 0) return "certificate EXPIRED on " + until;
    return "certificate until " + until + " (" + many(days, "day", "days") + ")";
  }

  function showFigures(told) {
    const today = told.days.find((one) => one.day === new Date(told.now_s * 1000).toISOString().slice(0, 10));
    put("figure-hits", today ? percent(today.hits, today.requests) : "–");
    put("figure-hits-under", today ? many(today.hits, "hit", "hits") + " of " + today.requests.toLocaleString("en") : "no pull yet");
    put("figure-served", today ? bytes(today.sent_bytes) : "–");
    put("figure-served-under", today ? bytes(today.hit_bytes) + " from disk" : "no pull yet");
    const rate = told.fills.reduce((sum, one) => sum + (one.state === "filling" ? one.rate : 0), 0);
    put("figure-rate", told.fills.length ? bytes(Math.round(rate)) + "/s" : "idle");
    put("figure-rate-under", told.fills.length ? many(told.fills.length, "blob", "blobs") + ", " + many(told.requests_in_flight, "request", "requests") : many(told.requests_in_flight, "request", "requests") + " being answered");
    put("figure-free", told.space.answers ? bytes(told.space.free_bytes) : "–");
    put("figure-free-under", told.space.answers ? "of " + bytes(told.space.total_bytes) : "the volume does not answer");
  }

  function showDays(told) {
    const known = new Map(told.days.map((one) => [one.day, one]));
    const dates = Array.from({ length: DAYS }, (_, at) => new Date((told.now_s * 1000) - (DAYS - 1 - at) * DAY_MS).toISOString().slice(0, 10));
    fill("days", told.days.length ? dates : [], (date) => {
      const one = known.get(date), row = element("li");
      const when = new Date(date + "T00:00:00Z").toLocaleDateString("en", { day: "numeric", month: "short", timeZone: "UTC" });
      const column = element("div", undefined, { class: "column", "aria-hidden": "true" }), bar = element("div", undefined, { class: "bar" });
      bar.style.height = one && one.requests ? Math.max(2, (100 * one.hits) / one.requests) + "%" : "0";
      column.append(bar);
      if (!one) row.dataset.idle = "";
      row.title = one ? many(one.hits, "hit", "hits") + " of " + one.requests.toLocaleString("en") + ", " + bytes(one.sent_bytes) + " served" : "no pull";
      const [share, unit] = one ? percent(one.hits, one.requests).split(" ") : ["\u00a0"], ratio = element("span", share, { class: "ratio" });
      if (unit) ratio.append(element("span", "\u202f" + unit, { class: "unit" }));
      row.append(ratio, column, element("span", when, { class: "date" }));
      return row;
    });
  }

  function showUpstreams(told) {
    fill("upstreams", told.upstreams, (one) => {
      const row = element("li");
      row.append(element("span", one.url, { class: "dot", "data-tone": one.healthy ? (one.answered_within_s === null ? "none" : "well") : one.resting_s > 0 ? "sick" : "care" }));
      const pace = one.answered_within_s === null ? "not asked yet" : "answered in " + (one.answered_within_s < 1 ? Math.max(1, Math.round(one.answered_within_s * 1000)) + " ms" : span(one.answered_within_s));
      row.append(element("span", one.healthy ? pace : one.resting_s > 0 ? "asked last for " + span(one.resting_s) : "failed, asked again at the next pull", { class: "more" }));
      if (one.last_failure) row.append(element("span", ago(told.now_s, one.last_failure.at_s) + ": " + one.last_failure.words, { class: "more wide" }));
      return row;
    });
  }

  function showSpace(told) {
    const space = told.space, used = space.used_bytes;
    const whole = space.max_bytes && (!space.total_bytes || space.max_bytes < space.total_bytes) ? space.max_bytes : space.total_bytes;
    const other = space.max_bytes && whole === space.max_bytes ? 0 : Math.max(0, (space.total_bytes || 0) - (space.free_bytes || 0) - (used || 0));
    byId("room-used").style.width = whole ? (100 * (used || 0)) / whole + "%" : "0";
    byId("room-other").style.width = whole ? (100 * other) / whole + "%" : "0";
    const words = [
      used === null ? "blobs are being counted" : bytes(used) + " of blobs" + (space.blobs ? ", " + space.blobs.toLocaleString("en") + " at the last count" : ""),
      space.max_bytes ? bytes(space.max_bytes) + " at most" : "",
      space.keep_free_bytes ? bytes(space.keep_free_bytes) + " stay free" : "",
      space.ttl_s ? "kept " + span(space.ttl_s) + " after the last pull" : "",
    ].filter(Boolean).join(" · ");
    put("room-legend", words);
    byId("room").setAttribute("aria-label", words);
    put("next-empty", used === null ? "The volume is being counted for the first time." : used > 0 && space.answers ? "The next count of the volume, within 15 minutes, lists the least recently pulled blobs." : space.answers ? "Nothing is stored yet. The least recently pulled blobs are listed here: they go first when room is needed." : "The volume does not answer.");
    fill("next", space.next, (one) => {
      const row = element("li");
      row.append(element("code", one.blob), element("span", bytes(one.bytes) + " · not pulled for " + span(one.idle_s), { class: "more" }));
      return row;
    });
  }

  function showTroubles(told) {
    fill("refusals", told.refusals, (one) => {
      const row = element("li");
      row.append(element("span", REASONS[one.reason] || one.reason), element("span", many(one.count, "time", "times"), { class: "more" }));
      row.append(element("span", "last " + ago(told.now_s, one.last_s) + (one.network ? " from " + one.network : ""), { class: "more wide" }));
      return row;
    });
    fill("troubles", told.troubles.slice(0, 8), (one) => {
      const row = element("li");
      row.append(element("span", one.words, { class: "dot wide", "data-tone": one.level === "error" ? "sick" : "care" }), element("span", ago(told.now_s, one.at_s), { class: "more" }));
      return row;
    });
    byId("warnings-section").hidden = told.warnings.length === 0;
    fill("warnings", told.warnings, (words) => element("li", words));
  }

  // -- asking

  let timer = 0, answered = null;
  async function look() {
    clearTimeout(timer);
    if (document.hidden) return;
    let wait = EVERY_MS;
    try {
      const answer = await fetch("status.json", { cache: "no-store", signal: AbortSignal.timeout(AFTER_FAILURE_MS) });
      if (!answer.ok) throw new Error("status " + answer.status);
      show(await answer.json());
    } catch (problem) {
      lost();
      wait = AFTER_FAILURE_MS;
    }
    clearTimeout(timer);
    timer = setTimeout(look, wait);
  }
  function show(told) {
    rates(told);
    for (const part of [showState, showFigures, showDays, showUpstreams, showSpace, showTroubles]) part(told);
    fill("fills", told.fills, fillRow);
    answered = new Date();
    byId("page").classList.remove("stale");
    byId("page").setAttribute("aria-busy", "false");
    put("freshness", "As of " + answered.toLocaleTimeString("en-GB") + ", looking every 2 s while this page is in view.");
  }
  function lost() {
    byId("state").dataset.state = "lost";
    byId("page").classList.add("stale");
    put("state-word", "No answer");
    put("state-why", answered ? "The cache does not answer this page; what is below was true at " + answered.toLocaleTimeString("en-GB") + "." : "The cache does not answer this page. Trying again.");
    byId("checks").replaceChildren();
    document.title = "No answer – content cache";
  }
  document.addEventListener("visibilitychange", () => { if (!document.hidden) look(); });
  look();
})();
