//! Sign-in and setup: forms in a document of their own, which needs no scripts.

use super::{Site, widgets::Icon};
use crate::{
    client::{t, translate},
    model::{Language, Message},
    wire::routes,
};
use leptos::prelude::*;

#[derive(Default)]
pub struct SignInForm {
    /// The page to return to.
    pub next: String,
    pub name: String,
    pub error: Option<Message>,
    /// The name of the OpenID provider, and the path at which a sign-in there starts.
    pub provider: Option<(String, String)>,
}

pub struct CodeForm {
    /// The sign-in to finish.
    pub unfinished: String,
    /// The page to return to.
    pub next: String,
    pub error: Option<Message>,
}

#[derive(Default)]
pub struct SetupForm {
    /// Of the setup link; empty if the address has none.
    pub token: String,
    pub name: String,
    pub error: Option<Message>,
}

impl SignInForm {
    pub fn view(self) -> AnyView {
        let Self { next, name, error, provider } = self;
        let is_known = !name.is_empty();
        // A link: the policy for forms doesn't allow redirects to other sites.
        let provider = provider.map(|(name, path)| {
            view! { <a class="button" href=Site::expect().page(&path)>{crate::t!("Sign in with {}", name)}</a> }
                .into_any()
        });
        view! {
            {provider}
            <form class="form" method="post" action=Site::expect().page("/login")>
                {text_field("User name", "name", "username", name, !is_known)}
                {password_field("current-password", is_known)}
                <input type="hidden" name="next" value=next />
                {failure(error)}
                <button type="submit" class="button main">{t("Sign in")}</button>
            </form>
        }
        .into_any()
    }
}

impl CodeForm {
    pub fn view(self) -> AnyView {
        let Self { unfinished, next, error } = self;
        let site = Site::expect();
        view! {
            <p>{t("Enter the code from your authenticator app, or a recovery code.")}</p>
            <form class="form" method="post" action=site.page(routes::LOGIN_CODE)>
                <label class="field">
                    <span>{t("Code")}</span>
                    <input
                        type="text"
                        name="code"
                        autocomplete="one-time-code"
                        inputmode="numeric"
                        spellcheck="false"
                        required
                        autofocus
                    />
                </label>
                <input type="hidden" name="unfinished" value=unfinished />
                <input type="hidden" name="next" value=next />
                {failure(error)}
                <button type="submit" class="button main">{t("Sign in")}</button>
            </form>
            <a href=site.page(routes::LOGIN)>{t("Start again")}</a>
        }
        .into_any()
    }
}

impl SetupForm {
    pub fn view(self) -> AnyView {
        let Self { token, name, error } = self;
        if token.is_empty() {
            return view! {
                <p>{t("Quaylight has no users yet. Open the setup link that it printed when it started: on the console, or in the log of its container.")}</p>
                <pre>"docker logs quaylight"</pre>
            }
            .into_any();
        }
        view! {
            <p>{t("Create the first user, an admin.")}</p>
            <form class="form" method="post" action=Site::expect().page("/setup")>
                {text_field("User name", "name", "username", name, true)}
                {password_field("new-password", false)}
                <input type="hidden" name="token" value=token />
                <p>{t("At least 12 characters.")}</p>
                {failure(error)}
                <button type="submit" class="button main">{t("Create user")}</button>
            </form>
        }
        .into_any()
    }
}

fn text_field(
    label: &'static str,
    name: &'static str,
    autocomplete: &'static str,
    value: String,
    focus: bool,
) -> AnyView {
    view! {
        <label class="field">
            <span>{t(label)}</span>
            <input
                type="text"
                name=name
                value=value
                autocomplete=autocomplete
                autocapitalize="none"
                spellcheck="false"
                required
                autofocus=focus
            />
        </label>
    }
    .into_any()
}

fn password_field(autocomplete: &'static str, focus: bool) -> AnyView {
    view! {
        <label class="field">
            <span>{t("Password")}</span>
            <input type="password" name="password" autocomplete=autocomplete required autofocus=focus />
        </label>
    }
    .into_any()
}

pub fn failure(error: Option<Message>) -> AnyView {
    view! { <p class="failed" role="alert">{error.map(|it| translate(&it))}</p> }.into_any()
}

/// A document with a form and no scripts. `theme` is the value of `data-theme`.
pub fn form_document(title: &Message, theme: Option<&'static str>, content: AnyView) -> AnyView {
    let (site, language) = (Site::expect(), expect_context::<Language>());
    let title = translate(title);
    view! {
        <!DOCTYPE html>
        <html lang=language.tag() data-theme=theme>
            <head>
                <meta charset="utf-8" />
                <meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover" />
                <meta name="color-scheme" content="light dark" />
                <title>{title.clone()} " · Quaylight"</title>
                <link rel="icon" href=site.file("/favicon.svg") type="image/svg+xml" />
                <link rel="stylesheet" href=site.file("/pkg/quaylight.css") />
                <link rel="stylesheet" href=site.file("/lazy.css") />
            </head>
            <body class="sign-in">
                <main>
                    <p class="brand"><Icon name="mark" /> "Quaylight"</p>
                    <h1>{title}</h1>
                    {content}
                </main>
            </body>
        </html>
    }
    .into_any()
}
