//! The HTML document around the page.

use super::{Access, App, Site, style_labels::style_labels};
use crate::{
    client::Prefs,
    model::Language,
    wire::{IDEMPOTENCY_KEY, PageSeed, Seed},
};
use leptos::{nonce::use_nonce, prelude::*};
use leptos_meta::MetaTags;

/// What the server adds to the document besides the page.
#[derive(Clone)]
pub struct Document {
    /// The state that the page is rendered from: see [`Seed::to_text`].
    pub seed: String,
    /// Whether the page's code is split into chunks. Then its style sheet is split too.
    pub is_lazy: bool,
    /// Names of the files in `pkg` with the page's code, besides the first one.
    pub chunks: Vec<String>,
    /// Data of the page besides the state: see [`PageSeed`].
    pub page_seed: Option<String>,
}

/// ID of the form that a button posts to download a file for which the server has to create something. The browser saves
/// the response, and the page stays.
pub const DOWNLOAD_FORM: &str = "download";

/// Loads and hydrates the page. If that fails although the server answers, because the server has another release by now
/// or because a connection broke, it reloads the page. It does so only once, since the page is readable without scripts.
///
/// Browsers abort requests when the machine's network changes, which happens with each container that starts on one of its
/// bridges. Requests are therefore repeated, actions with an idempotency key.
///
/// Lazy code is requested after the lazy style sheet, so that nothing is drawn unstyled.
const START: &str = "\
const once = window.fetch; \
window.fetch = async (what, how) => { \
const address = String(what.url ?? what); \
const isAction = address.includes('/actions/'); \
if (isAction) what.headers?.set('KEY', crypto.getRandomValues(new Uint32Array(4)).join('-')); \
const repeats = isAction || /\\/(pkg|lang|queries)\\//.test(address); \
for (const wait of repeats ? [300, 900] : []) { \
const copy = what.clone?.() ?? what; \
try { return await ask(copy, how); } catch (why) { \
if (why.name === 'AbortError') throw why; \
await new Promise((done) => setTimeout(done, wait)); \
} } \
return ask(what, how); \
}; \
const ask = async (what, how) => { \
const address = String(what.url ?? what); \
if (address.includes('.wasm') && !address.endsWith(WASM)) await loadSheet(); \
return once(what, how); \
}; \
let sheet = SHEET; \
const loadSheet = () => sheet ??= new Promise((done, fail) => { \
const link = Object.assign(document.createElement('link'), { rel: 'stylesheet', href: LAZY, onload: done, onerror: () => { \
link.remove(); sheet = undefined; fail(new TypeError(`${LAZY} did not come`)); \
} }); \
document.head.append(link); \
}); \
import(SCRIPT).then(async (code) => { \
const texts = TEXTS && fetch(TEXTS).then((file) => file.text()); \
await code.default({ module_or_path: WASM }); await code.hydrate(await texts); })\
.catch(async (why) => { \
console.error(why); \
const { status } = await fetch(SCRIPT, { cache: 'no-store' }); \
if ([200, 404].includes(status) && performance.getEntriesByType('navigation')[0].type !== 'reload') location.reload(); \
});";

pub fn shell() -> impl IntoView {
    let (site, access) = (Site::expect(), expect_context::<Access>());
    let document = expect_context::<Document>();
    let theme = expect_context::<Prefs>().read_untracked(|it| it.theme.attribute());
    let (script, wasm) = (site.file("/pkg/quaylight.js"), site.file("/pkg/quaylight.wasm"));
    let sheet = site.file("/lazy.css");
    let language = expect_context::<Language>();
    let texts = language.texts().map(|path| site.file(path));
    let start = START
        .replace("KEY", IDEMPOTENCY_KEY)
        .replace("SCRIPT", &format!("{script:?}"))
        .replace("WASM", &format!("{wasm:?}"))
        .replace("LAZY", &format!("{sheet:?}"))
        .replace("SHEET", if document.is_lazy { "true" } else { "undefined" })
        .replace("TEXTS", &texts.as_ref().map_or("undefined".to_owned(), |path| format!("{path:?}")));
    let chunks: Vec<_> = document.chunks.iter().map(|name| preload(site.file(&format!("/pkg/{name}")))).collect();
    view! {
        <!DOCTYPE html>
        <html
            lang=language.tag()
            data-theme=theme
            data-base=site.base_path.to_string()
            data-version=site.version.to_string()
            data-read-only=access.is_read_only.then_some("")
            data-open-network=access.is_open_network.then_some("")
            data-scoped=(!access.sees_all).then_some("")
            data-account=access.has_account.then_some("")
            data-user=access.user.map(|user| user.to_string())
            data-role=access.role.as_str()
        >
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
                {document.is_lazy.then(|| view! { <link rel="stylesheet" href=sheet /> })}
                <style nonce=use_nonce() inner_html=style_labels()></style>
                <MetaTags />
            </head>
            <body>
                <App />
                <form id=DOWNLOAD_FORM method="post" hidden></form>
                <script type="text/plain" id=Seed::ELEMENT inner_html=document.seed></script>
                {document.page_seed.map(|text| view! { <script type="text/plain" id=PageSeed::ELEMENT inner_html=text></script> })}
                <script type="module" nonce=use_nonce() inner_html=start></script>
            </body>
        </html>
    }
}

/// Preloads a wasm file before the script requests it.
fn preload(href: String) -> impl IntoView {
    view! { <link rel="preload" href=href r#as="fetch" type="application/wasm" crossorigin="anonymous" /> }
}
