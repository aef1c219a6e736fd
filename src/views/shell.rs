//! The HTML document around the page.

use super::{App, Site};
use crate::{client::Prefs, wire::Seed};
use leptos::prelude::*;
use leptos_meta::MetaTags;

/// What the server puts into the document beside the page.
#[derive(Clone)]
pub struct Document {
    /// The state that the page is rendered from: see [`Seed::to_text`].
    pub seed: String,
}

pub fn shell() -> impl IntoView {
    let site = Site::expect();
    let document = expect_context::<Document>();
    let theme = expect_context::<Prefs>().theme.get_untracked().attribute();
    let (script, wasm) = (site.file("/pkg/quaylight.js"), site.file("/pkg/quaylight.wasm"));
    let start =
        format!("import init, {{ hydrate }} from {script:?}; init({{ module_or_path: {wasm:?} }}).then(hydrate);");
    view! {
        <!DOCTYPE html>
        <html lang="en" data-theme=theme data-base=site.base_path.to_string() data-version=site.version.to_string()>
            <head>
                <meta charset="utf-8" />
                <meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover" />
                <meta name="color-scheme" content="light dark" />
                <link rel="preload" href=site.page("/fonts/inter.woff2") r#as="font" type="font/woff2" crossorigin="anonymous" />
                <link rel="icon" href=site.file("/favicon.svg") type="image/svg+xml" />
                <link rel="manifest" href=site.file("/site.webmanifest") />
                <link rel="modulepreload" href=script />
                <link rel="preload" href=wasm r#as="fetch" type="application/wasm" crossorigin="anonymous" />
                <link rel="stylesheet" href=site.file("/pkg/quaylight.css") />
                <MetaTags />
            </head>
            <body>
                <App />
                <script type="text/plain" id=Seed::ELEMENT inner_html=document.seed></script>
                <script type="module" inner_html=start></script>
            </body>
        </html>
    }
}
