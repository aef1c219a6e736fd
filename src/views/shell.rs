//! The HTML document around the page.

use super::{App, Site};
use crate::{
    client::Prefs,
    model::Language,
    wire::{PageSeed, Seed},
};
use leptos::prelude::*;
use leptos_meta::MetaTags;

/// What the server puts into the document beside the page.
#[derive(Clone)]
pub struct Document {
    /// The state that the page is rendered from: see [`Seed::to_text`].
    pub seed: String,
    /// Whether nothing can be changed here, by anybody.
    pub is_read_only: bool,
    /// Whether the page's code comes apart: then its look does, too.
    pub is_later: bool,
    /// Names of the files in `pkg` that the page's code is in, beside the first one.
    pub chunks: Vec<String>,
    /// What the page begins with beside the state: see [`PageSeed`].
    pub page_seed: Option<String>,
}

/// Brings the page to life. Where that fails, and the server no longer has this page's release, the page loads itself anew;
/// once, for it is readable as it is.
///
/// Browsers give up what they are loading when the machine's network changes, which each container that starts on a bridge of
/// it does: what can be asked for twice without harm is asked for once more.
///
/// Code that comes apart is asked for after the sheet that says how it looks: nothing is drawn without.
const START: &str = "\
const once = window.fetch; \
window.fetch = async (what, how) => { \
const address = String(what.url ?? what); \
const again = /\\/(pkg|lang|queries)\\//.test(address) && (what.clone?.() ?? what); \
const ask = async (what) => { \
if (address.includes('.wasm') && !address.endsWith(WASM)) await later(); \
return once(what, how); \
}; \
try { return await ask(what); } catch (why) { \
if (!again || why.name === 'AbortError') throw why; \
await new Promise((done) => setTimeout(done, 300)); \
return ask(again); \
} }; \
let sheet = SHEET; \
const later = () => sheet ??= new Promise((done, fail) => { \
const link = Object.assign(document.createElement('link'), { rel: 'stylesheet', href: LATER, onload: done, onerror: () => { \
link.remove(); sheet = undefined; fail(new TypeError(`${LATER} did not come`)); \
} }); \
document.head.append(link); \
}); \
import(SCRIPT).then(async (code) => { \
const texts = TEXTS && fetch(TEXTS).then((file) => file.text()); \
await code.default({ module_or_path: WASM }); await code.hydrate(await texts); })\
.catch(async (why) => { \
console.error(why); \
const { status } = await fetch(SCRIPT, { cache: 'no-store' }); \
if (status === 404 && performance.getEntriesByType('navigation')[0].type !== 'reload') location.reload(); \
});";

pub fn shell() -> impl IntoView {
    let site = Site::expect();
    let document = expect_context::<Document>();
    let theme = expect_context::<Prefs>().read_untracked(|it| it.theme.attribute());
    let (script, wasm) = (site.file("/pkg/quaylight.js"), site.file("/pkg/quaylight.wasm"));
    let sheet = site.file("/later.css");
    let language = expect_context::<Language>();
    let files = language.files().map(|files| files.map(|path| site.file(path)));
    let (texts, words) = files.map(|[texts, words]| (texts, words)).unzip();
    let start = START
        .replace("SCRIPT", &format!("{script:?}"))
        .replace("WASM", &format!("{wasm:?}"))
        .replace("LATER", &format!("{sheet:?}"))
        .replace("SHEET", if document.is_later { "true" } else { "undefined" })
        .replace("TEXTS", &texts.as_ref().map_or("undefined".to_owned(), |path| format!("{path:?}")));
    let chunks: Vec<_> = document.chunks.iter().map(|name| preload(site.file(&format!("/pkg/{name}")))).collect();
    view! {
        <!DOCTYPE html>
        <html lang=language.tag() data-theme=theme data-base=site.base_path.to_string() data-version=site.version.to_string()>
            <head>
                <meta charset="utf-8" />
                <meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover" />
                <meta name="color-scheme" content="light dark" />
                <link rel="preload" href=site.page("/fonts/inter.woff2") r#as="font" type="font/woff2" crossorigin="anonymous" />
                <link rel="icon" href=site.file("/favicon.svg") type="image/svg+xml" />
                <link rel="manifest" href=site.file("/site.webmanifest") />
                <link rel="modulepreload" href=script />
                {preload(wasm)}
                {texts.map(|path| view! { <link rel="preload" href=path r#as="fetch" crossorigin="anonymous" /> })}
                {chunks}
                <link rel="stylesheet" href=site.file("/pkg/quaylight.css") />
                {document.is_later.then(|| view! { <link rel="stylesheet" href=sheet /> })}
                {words.map(|path| view! { <link rel="stylesheet" href=path /> })}
                {document.is_read_only.then(|| view! { <link rel="stylesheet" href=site.file("/read-only.css") /> })}
                <MetaTags />
            </head>
            <body>
                <App />
                <script type="text/plain" id=Seed::ELEMENT inner_html=document.seed></script>
                {document.page_seed.map(|text| view! { <script type="text/plain" id=PageSeed::ELEMENT inner_html=text></script> })}
                <script type="module" inner_html=start></script>
            </body>
        </html>
    }
}

/// Asks for wasm before the script that will.
fn preload(href: String) -> impl IntoView {
    view! { <link rel="preload" href=href r#as="fetch" type="application/wasm" crossorigin="anonymous" /> }
}
