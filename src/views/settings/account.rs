//! Account section: the password, the sessions and the API tokens of the signed-in user.

use super::{
    super::{
        Access, Site, format,
        on_demand::OnDemand,
        widgets::{Ago, Dialog, Sent, boxed, button, choice, field, form, on_click},
    },
    shown_once::shown_once,
    two_factor::{disable_form, enrollment, start_form, two_factor},
};
use crate::{
    actions::account::change_account,
    client::{Level, Toasts, effect, t},
    model::{Account, AccountChange, AccountResponse, Enrollment, Role, SessionInfo, TokenInfo},
    queries::account::own_account,
    wire::routes,
};
use leptos::{prelude::*, task::spawn_local};
use std::rc::Rc;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum OpenDialog {
    Nothing,
    Password,
    StartTwoFactor,
    DisableTwoFactor,
    NewToken,
    /// The id and the name of a token.
    Revoke(String, String),
}

#[derive(Clone, Copy)]
pub(super) struct Section {
    account: OnDemand<Account>,
    pub(super) has_password: StoredValue<bool>,
    pub(super) open_dialog: RwSignal<OpenDialog>,
    pub(super) enrollment: RwSignal<Option<Enrollment>>,
    /// New recovery codes, which are shown once.
    pub(super) recovery_codes: RwSignal<Option<String>>,
    /// A new token, which is shown once.
    created: RwSignal<Option<String>>,
    pub(super) toasts: Toasts,
}

impl Section {
    pub(super) fn load(self) {
        self.account.ask(own_account());
    }

    pub(super) fn close(self) {
        self.open_dialog.set(OpenDialog::Nothing);
    }

    fn change(self, change: AccountChange, done: &'static str, failed: &'static str) {
        spawn_local(async move {
            match change_account(change).await {
                Ok(_) => self.toasts.show(Level::Ok, t(done), None),
                Err(error) => self.toasts.failed(t(failed), &error),
            }
            self.load();
        });
    }
}

/// `None` on a server without sign-in.
pub(super) fn account() -> Option<AnyView> {
    let Access { user, role, has_account, .. } = expect_context();
    let user = user?;
    if !has_account {
        return Some(account_of_proxy(&user, role));
    }
    let section = Section {
        account: OnDemand::new(),
        has_password: StoredValue::new(true),
        open_dialog: RwSignal::new(OpenDialog::Nothing),
        enrollment: RwSignal::new(None),
        recovery_codes: RwSignal::new(None),
        created: RwSignal::new(None),
        toasts: expect_context(),
    };
    effect(move || section.load());
    let ask = move |open_dialog: OpenDialog| Box::new(move |_| section.open_dialog.set(open_dialog.clone()));
    let view = view! {
        <section aria-labelledby="account">
            <h2 id="account">{t("Account")}</h2>
            <form class="setting" method="post" action=Site::expect().page(routes::LOGOUT)>
                <span>{crate::t!("Signed in as {} ({})", user, t(role.as_str()))}</span>
                <button type="submit" class="button">{t("Sign out")}</button>
            </form>
            {section.account.draw("Account not loaded", move |account| sessions(section, account))}
            <div class="setting">
                <h3>{t("API tokens")}</h3>
                {button("button", "add", boxed(|| t("New API token").to_owned()), ask(OpenDialog::NewToken))}
            </div>
            {section.account.draw("Account not loaded", move |account| tokens(section, &account.tokens))}
            {boxed(move || dialog(section, role))}
            {boxed(move || enrollment(section))}
            {shown_once("API token created", section.created)}
            {shown_once("Recovery codes", section.recovery_codes)}
        </section>
    };
    Some(view.into_any())
}

fn account_of_proxy(user: &str, role: Role) -> AnyView {
    view! {
        <section aria-labelledby="account">
            <h2 id="account">{t("Account")}</h2>
            <p class="quiet">
                {crate::t!("Signed in as {} ({})", user.to_owned(), t(role.as_str()))} ". "
                {t("Your reverse proxy manages your account.")}
            </p>
        </section>
    }
    .into_any()
}

fn sessions(section: Section, account: &Account) -> AnyView {
    let Account { scope, sessions, .. } = account;
    section.has_password.set_value(account.has_password);
    let password = if account.has_password {
        let ask = Box::new(move |_| section.open_dialog.set(OpenDialog::Password));
        view! {
            <div class="setting">
                <span>{t("Password")}</span>
                {button("button", "edit", boxed(|| t("Change password").to_owned()), ask)}
            </div>
        }
        .into_any()
    } else {
        view! { <p class="quiet">{t("Your sign-in provider manages your account.")}</p> }.into_any()
    };
    let scope = scope.as_ref().map(|it| view! { <p>{crate::t!("You only see {}", it.words())}</p> }.into_any());
    let lines: Vec<_> = sessions.iter().cloned().map(|it| session(section, it)).collect();
    let end_others = (sessions.len() > 1).then(|| {
        let end = move |_| {
            section.change(AccountChange::EndOtherSessions, "Other sessions ended", "Couldn't end the other sessions");
        };
        view! { <div>{button("button", "close", boxed(|| t("End all other sessions").to_owned()), Box::new(end))}</div> }
            .into_any()
    });
    view! {
        {scope}
        {password}
        {account.has_password.then(|| two_factor(section, account))}
        <h3>{t("Sessions")}</h3>
        <ul class="entries">{lines}</ul>
        {end_others}
    }
    .into_any()
}

fn session(section: Section, session: SessionInfo) -> AnyView {
    let SessionInfo { id, device, address, used, is_current, .. } = session;
    let name = if device.is_empty() { t("Unknown device").to_owned() } else { device };
    let end = if is_current {
        view! { <small>{t("This session")}</small> }.into_any()
    } else {
        let label = crate::t!("End session of {}", name.clone());
        let end = move |_| {
            section.change(AccountChange::EndSession { id: id.clone() }, "Session ended", "Couldn't end the session");
        };
        view! { <button class="button" aria-label=label on:click=on_click(end)>{t("End")}</button> }.into_any()
    };
    view! {
        <li data-session>
            <span>{name} " " <small>{address} " · " <Ago time=used /></small></span>
            {end}
        </li>
    }
    .into_any()
}

fn tokens(section: Section, tokens: &[TokenInfo]) -> AnyView {
    if tokens.is_empty() {
        let words = t("With an API token, programs such as Prometheus sign in. It is sent as a bearer token.");
        return view! { <p class="quiet">{words}</p> }.into_any();
    }
    let lines: Vec<_> = tokens.iter().cloned().map(|it| token(section, it)).collect();
    view! { <ul class="entries">{lines}</ul> }.into_any()
}

fn token(section: Section, token: TokenInfo) -> AnyView {
    let TokenInfo { id, name, role, used, expires, .. } = token;
    let label = crate::t!("Revoke {}", name);
    let expiry = match expires {
        Some(expires) => crate::t!("expires {}", format::date(expires)),
        None => t("doesn't expire").to_owned(),
    };
    let last_use = match used {
        Some(used) => view! { {t("last used")} " " <Ago time=used /> }.into_any(),
        None => t("never used").into_any(),
    };
    let revoke = {
        let name = name.clone();
        move |_| section.open_dialog.set(OpenDialog::Revoke(id.clone(), name.clone()))
    };
    view! {
        <li data-token=name.clone()>
            <span title=name.clone()>{name.clone()} " " <small>{t(role.as_str())} " · " {expiry} " · " {last_use}</small></span>
            <button class="button" aria-label=label on:click=on_click(revoke)>{t("Revoke")}</button>
        </li>
    }
    .into_any()
}

fn dialog(section: Section, role: Role) -> AnyView {
    match section.open_dialog.get() {
        OpenDialog::Nothing => ().into_any(),
        OpenDialog::Password => password_form(section),
        OpenDialog::StartTwoFactor => start_form(section),
        OpenDialog::DisableTwoFactor => disable_form(section),
        OpenDialog::NewToken => token_form(section, role),
        OpenDialog::Revoke(id, name) => revocation(section, id, &name),
    }
}

fn password_form(section: Section) -> AnyView {
    let [current, new] = [(); 2].map(|()| StoredValue::new(String::new()));
    let typed = |value: StoredValue<String>| Box::new(move |text| value.set_value(text));
    let fields = view! {
        {password_field(current)}
        {field("New password", "password", String::new(), "At least 12 characters", typed(new))}
        <p class="quiet">{t("This ends all your other sessions. API tokens stay valid.")}</p>
    };
    let send = move || -> Result<Sent, String> {
        let change = AccountChange::Password { current: current.get_value(), new: new.get_value() };
        Ok(Box::pin(async move {
            change_account(change).await?;
            section.toasts.show(Level::Ok, t("Password changed"), None);
            section.load();
            Ok(())
        }))
    };
    let close = Rc::new(move || section.close());
    form(t("Change password").to_owned(), fields.into_any(), "Change", Box::new(send), close)
}

fn token_form(section: Section, most: Role) -> AnyView {
    let name = StoredValue::new(String::new());
    let role = StoredValue::new(Role::Viewer);
    let days = StoredValue::new(Some(90));
    let password = StoredValue::new(String::new());
    let validity = vec![("30", t("30 days")), ("90", t("90 days")), ("365", t("1 year")), ("", t("No expiry"))];
    let fields = view! {
        {field("Name", "text", String::new(), "prometheus", Box::new(move |text| name.set_value(text)))}
        <div class="pair">
            {role_choice(most, role)}
            {choice("Valid for", validity, "90", Box::new(move |text: String| days.set_value(text.parse().ok())))}
        </div>
        {section.has_password.get_value().then(|| password_field(password))}
    };
    let send = move || -> Result<Sent, String> {
        let change = AccountChange::CreateToken {
            name: name.get_value(),
            role: role.get_value(),
            days: days.get_value(),
            password: password.get_value(),
        };
        Ok(Box::pin(async move {
            if let AccountResponse::Token(token) = change_account(change).await? {
                section.created.set(Some(token));
            }
            section.load();
            Ok(())
        }))
    };
    let close = Rc::new(move || section.close());
    form(t("New API token").to_owned(), fields.into_any(), "Create", Box::new(send), close)
}

/// The field for the password of the signed-in user, who proves with it that the session isn't stolen.
pub(super) fn password_field(password: StoredValue<String>) -> AnyView {
    let typed = Box::new(move |text| password.set_value(text));
    field("Your current password", "password", String::new(), "", typed)
}

/// A select box with the roles up to `most`.
pub(super) fn role_choice(most: Role, chosen: StoredValue<Role>) -> AnyView {
    let roles: Vec<_> =
        Role::ALL.into_iter().filter(|role| *role <= most).map(|role| (role.as_str(), t(role.as_str()))).collect();
    let choose = move |word: String| {
        if let Some(role) = Role::ALL.into_iter().find(|role| role.as_str() == word) {
            chosen.set_value(role);
        }
    };
    choice("Role", roles, chosen.get_value().as_str(), Box::new(choose))
}

fn revocation(section: Section, id: String, name: &str) -> AnyView {
    let revoke = move |_| {
        section.close();
        section.change(
            AccountChange::RevokeToken { id: id.clone() },
            "API token revoked",
            "Couldn't revoke the API token",
        );
    };
    let word = crate::t!("Revoke {}", name);
    view! {
        <Dialog title=crate::t!("Revoke {}?", name) on_close=move || section.close()>
            <p>{t("Programs that use this API token lose access at once.")}</p>
            <footer>
                <button class="button" autofocus on:click=on_click(move |_| section.close())>{t("Cancel")}</button>
                <button class="button danger main" on:click=on_click(revoke.clone())>{word.clone()}</button>
            </footer>
        </Dialog>
    }
    .into_any()
}
