//! Users section, for admins: all users, their roles and passwords.

use super::{
    super::{
        Access,
        access::may,
        on_demand::OnDemand,
        widgets::{Ago, Form, Icon, Menu, Sent, boxed, button, danger_form, field, form, on_click},
    },
    account::{password_field, role_choice},
    shown_once::shown_once,
};
use crate::{
    actions::users::change_user,
    client::{ClientOnly, Level, Toasts, effect, t},
    model::{AccessScope, Permission, Role, UserChange, UserInfo},
    queries::users::users as all_users,
    views::format,
};
use leptos::prelude::*;
use std::{rc::Rc, sync::Arc};
use wasm_bindgen::JsCast;
use web_sys::{HtmlElement, MouseEvent};

/// The role and the scope of a user.
type UserAccess = (Role, Option<AccessScope>);

/// The name of the user is that of the open menu, or of the user whom the dialog is about.
#[derive(Debug, Clone, PartialEq)]
enum OpenDialog {
    Nothing,
    NewUser,
    Role(String, UserAccess),
    Reset(String),
    EndSessions(String),
    Remove(String),
}

#[derive(Clone, Copy)]
struct Section {
    users: OnDemand<Vec<UserInfo>>,
    open_dialog: RwSignal<OpenDialog>,
    /// The user whose menu is open, with their access.
    menu: RwSignal<Option<(String, UserAccess)>>,
    /// The button that the menu is anchored to.
    menu_from: ClientOnly<HtmlElement>,
    /// Whether the admin has one.
    has_password: StoredValue<bool>,
    /// A generated password, which is shown once.
    password: RwSignal<Option<String>>,
    toasts: Toasts,
}

impl Section {
    fn load(self) {
        self.users.ask(all_users());
    }

    fn close(self) {
        self.open_dialog.set(OpenDialog::Nothing);
    }

    /// Sends the change, with the password of the admin.
    fn send(self, change: UserChange, password: StoredValue<String>, done: &'static str) -> Sent {
        let password = password.get_value();
        Box::pin(async move {
            match change_user(change, password).await? {
                Some(generated) => drop(self.password.try_set(Some(generated))),
                None => self.toasts.show(Level::Ok, t(done), None),
            }
            self.load();
            Ok(())
        })
    }
}

/// `None` on a server without sign-in by password, and for users who may not manage others.
pub(super) fn users() -> Option<AnyView> {
    let Access { user, has_account, .. } = expect_context();
    let me = user.filter(|_| has_account && may(Permission::ManageUsers))?;
    let section = Section {
        users: OnDemand::new(),
        open_dialog: RwSignal::new(OpenDialog::Nothing),
        menu: RwSignal::new(None),
        menu_from: ClientOnly::default(),
        has_password: StoredValue::new(true),
        password: RwSignal::new(None),
        toasts: expect_context(),
    };
    effect(move || section.load());
    let ask = Box::new(move |_| section.open_dialog.set(OpenDialog::NewUser));
    let view = view! {
        <section aria-labelledby="users">
            <div class="setting">
                <h2 id="users">{t("Users")}</h2>
                {button("button", "add", boxed(|| t("New user").to_owned()), ask)}
            </div>
            {section.users.draw("Users not loaded", move |users| lines(section, &me, users))}
            {boxed(move || menu(section))}
            {boxed(move || dialog(section))}
            {shown_once("Password generated", section.password)}
        </section>
    };
    Some(view.into_any())
}

fn lines(section: Section, me: &Arc<str>, users: &[UserInfo]) -> AnyView {
    let lines: Vec<_> = users.iter().map(|user| line(section, user, user.name == **me)).collect();
    view! { <ul class="entries">{lines}</ul> }.into_any()
}

fn line(section: Section, user: &UserInfo, is_me: bool) -> AnyView {
    let UserInfo { name, role, scope, has_password, has_two_factor, sessions, tokens, used } = user.clone();
    let mut words = vec![t(role.as_str()).to_owned()];
    words.extend(scope.as_ref().map(|scope| crate::t!("only {}", scope.words())));
    if is_me {
        section.has_password.set_value(has_password);
    }
    if !has_password {
        words.push(t("signs in with a provider").to_owned());
    }
    if has_two_factor {
        words.push(t("two-factor authentication").to_owned());
    }
    if sessions > 0 {
        words.push(format::count(sessions, ["{} session", "{} sessions"]));
    }
    if tokens > 0 {
        words.push(format::count(tokens, ["{} API token", "{} API tokens"]));
    }
    let last_use = match used {
        Some(used) => view! { {t("last used")} " " <Ago time=used /> }.into_any(),
        None => t("not signed in").into_any(),
    };
    let actions = if is_me {
        view! { <small>{t("You")}</small> }.into_any()
    } else {
        let target = (name.clone(), (role, scope));
        let open = move |event: MouseEvent| {
            section.menu_from.set(event.current_target().and_then(|it| it.dyn_into().ok()));
            section.menu.set(Some(target.clone()));
        };
        view! {
            <button
                class="button square"
                aria-label=crate::t!("More actions for {}", name.clone())
                aria-haspopup="menu"
                on:click=on_click(open)
            >
                <Icon name="more" />
            </button>
        }
        .into_any()
    };
    view! {
        <li data-account=name>
            <span>{name.clone()} " " <small>{words.join(" · ")} " · " {last_use}</small></span>
            {actions}
        </li>
    }
    .into_any()
}

fn menu(section: Section) -> Option<AnyView> {
    let (name, access) = section.menu.get()?;
    let from = section.menu_from.get()?;
    let items = [
        ("edit", crate::t!("Change role of {}", name), OpenDialog::Role(name.clone(), access)),
        ("restart", crate::t!("Reset password of {}", name), OpenDialog::Reset(name.clone())),
        ("close", crate::t!("End sessions of {}", name), OpenDialog::EndSessions(name.clone())),
        ("remove", crate::t!("Remove {}", name), OpenDialog::Remove(name.clone())),
    ];
    let items = items.map(|(icon, words, open_dialog)| {
        let class = matches!(open_dialog, OpenDialog::Remove(_)).then_some("danger");
        let choose = move |_: MouseEvent| {
            section.menu.set(None);
            section.open_dialog.set(open_dialog.clone());
        };
        view! {
            <button role="menuitem" tabindex="-1" class=class on:click=on_click(choose)>
                <Icon name=icon />
                {words}
            </button>
        }
        .into_any()
    });
    let view = view! {
        <Menu name=crate::t!("More actions for {}", name) from on_close=move || section.menu.set(None)>
            {Vec::from(items)}
        </Menu>
    };
    Some(view.into_any())
}

fn dialog(section: Section) -> AnyView {
    match section.open_dialog.get() {
        OpenDialog::Nothing => ().into_any(),
        OpenDialog::NewUser => new_user(section),
        OpenDialog::Role(name, access) => role_form(section, name, access),
        OpenDialog::Reset(name) => {
            let words = "This sets a new password, turns off two-factor authentication, ends all sessions of this user, and revokes their API tokens.";
            let title = crate::t!("Reset password of {}?", name);
            let change = move || UserChange::ResetPassword { name: name.clone() };
            change_form(section, title, quiet(words), "Reset password", change, "Password reset", form)
        }
        OpenDialog::EndSessions(name) => {
            let words = "This ends all sessions of this user, and revokes their API tokens.";
            let title = crate::t!("End sessions of {}?", name);
            let change = move || UserChange::EndSessions { name: name.clone() };
            change_form(section, title, quiet(words), "End sessions", change, "Sessions ended", form)
        }
        OpenDialog::Remove(name) => {
            let words = "This ends all sessions of this user, and revokes their API tokens.";
            let title = crate::t!("Remove {}?", name);
            let change = move || UserChange::Remove { name: name.clone() };
            change_form(section, title, quiet(words), "Remove", change, "User removed", danger_form)
        }
    }
}

fn new_user(section: Section) -> AnyView {
    let name = StoredValue::new(String::new());
    let access = AccessFields::new((Role::Viewer, None));
    let fields = view! {
        {field("User name", "text", String::new(), "", Box::new(move |text| name.set_value(text)))}
        {access.view()}
        {quiet("Quaylight generates a password, which the user can change after signing in.")}
    };
    let change = move || {
        let (role, scope) = access.get();
        UserChange::Add { name: name.get_value().trim().to_owned(), role, scope }
    };
    change_form(section, t("New user").to_owned(), fields.into_any(), "Create", change, "User added", form)
}

fn role_form(section: Section, name: String, access: UserAccess) -> AnyView {
    let access = AccessFields::new(access);
    let fields = view! {
        {access.view()}
        {quiet("This ends all sessions of this user. Other projects or containers also revoke their API tokens.")}
    };
    let title = crate::t!("Change role of {}", name);
    let change = move || {
        let (role, scope) = access.get();
        UserChange::ChangeRole { name: name.clone(), role, scope }
    };
    change_form(section, title, fields.into_any(), "Change", change, "Role changed", form)
}

/// The fields for the role and the scope of a user.
#[derive(Clone, Copy)]
struct AccessFields {
    role: StoredValue<Role>,
    projects: StoredValue<String>,
    names: StoredValue<String>,
}

impl AccessFields {
    fn new((role, scope): UserAccess) -> Self {
        let AccessScope { projects, names } = scope.unwrap_or_default();
        let [projects, names] = [projects, names].map(|list| StoredValue::new(list.join(", ")));
        Self { role: StoredValue::new(role), projects, names }
    }

    fn get(self) -> UserAccess {
        let [projects, names] = [self.projects, self.names].map(|it| it.get_value());
        (self.role.get_value(), AccessScope::parse(&projects, &names))
    }

    fn view(self) -> AnyView {
        let list = |label, value: StoredValue<String>| {
            field(label, "text", value.get_value(), "", Box::new(move |text| value.set_value(text)))
        };
        view! {
            {role_choice(Role::Admin, self.role)}
            {list("Only these projects", self.projects)}
            {list("Only these containers", self.names)}
            {quiet("Separate several by commas. In names of containers, * matches any text. Empty fields allow all.")}
        }
        .into_any()
    }
}

fn quiet(words: &'static str) -> AnyView {
    view! { <p class="quiet">{t(words)}</p> }.into_any()
}

/// A form that asks for the admin's password, too.
fn change_form(
    section: Section,
    title: String,
    fields: AnyView,
    verb: &'static str,
    change: impl Fn() -> UserChange + 'static,
    done: &'static str,
    form: Form,
) -> AnyView {
    let password = StoredValue::new(String::new());
    let fields = view! {
        {fields}
        {section.has_password.get_value().then(|| password_field(password))}
    };
    let send = Box::new(move || Ok(section.send(change(), password, done)));
    let close = Rc::new(move || section.close());
    form(title, fields.into_any(), verb, send, close)
}
