//! Users section, for admins: all users, their roles and passwords.

use super::{
    super::{
        Access,
        access::may,
        on_demand::OnDemand,
        widgets::{Ago, Dialog, Icon, Menu, Sent, boxed, button, field, form, on_click},
    },
    account::role_choice,
    shown_once::shown_once,
};
use crate::{
    actions::users::change_user,
    client::{ClientOnly, Level, Toasts, effect, t},
    model::{Permission, Role, UserChange, UserInfo},
    queries::users::users as all_users,
    views::format,
};
use leptos::{prelude::*, task::spawn_local};
use std::{rc::Rc, sync::Arc};
use wasm_bindgen::JsCast;
use web_sys::{HtmlElement, MouseEvent};

/// The name of the user is that of the open menu, or of the user whom the dialog is about.
#[derive(Debug, Clone, PartialEq)]
enum Asking {
    Nothing,
    NewUser,
    Role(String, Role),
    Reset(String),
    Remove(String),
}

#[derive(Clone, Copy)]
struct Section {
    users: OnDemand<Vec<UserInfo>>,
    asking: RwSignal<Asking>,
    /// The user whose menu is open, with their role.
    menu: RwSignal<Option<(String, Role)>>,
    /// The button that the menu is anchored to.
    menu_from: ClientOnly<HtmlElement>,
    /// A generated password, which is shown once.
    password: RwSignal<Option<String>>,
    toasts: Toasts,
}

impl Section {
    fn load(self) {
        self.users.ask(all_users());
    }

    fn close(self) {
        self.asking.set(Asking::Nothing);
    }

    fn change(self, change: UserChange, done: &'static str, failed: &'static str) {
        spawn_local(async move {
            match change_user(change).await {
                Ok(password) => {
                    self.toasts.show(Level::Ok, t(done), None);
                    self.password.try_set(password);
                }
                Err(error) => self.toasts.failed(t(failed), &error),
            }
            self.load();
        });
    }
}

/// `None` on a server without sign-in by password, and for users who may not manage others.
pub(super) fn users() -> Option<AnyView> {
    let Access { user, has_account, .. } = expect_context();
    let me = user.filter(|_| has_account && may(Permission::ManageUsers))?;
    let section = Section {
        users: OnDemand::new(),
        asking: RwSignal::new(Asking::Nothing),
        menu: RwSignal::new(None),
        menu_from: ClientOnly::default(),
        password: RwSignal::new(None),
        toasts: expect_context(),
    };
    effect(move || section.load());
    let ask = Box::new(move |_| section.asking.set(Asking::NewUser));
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
    let UserInfo { name, role, sessions, tokens, used } = user.clone();
    let mut words = vec![t(role.as_str()).to_owned()];
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
        let target = (name.clone(), role);
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
    let (name, role) = section.menu.get()?;
    let from = section.menu_from.get()?;
    let items = [
        ("edit", crate::t!("Change role of {}", name), Asking::Role(name.clone(), role)),
        ("restart", crate::t!("Reset password of {}", name), Asking::Reset(name.clone())),
        ("remove", crate::t!("Remove {}", name), Asking::Remove(name.clone())),
    ];
    let items = items.map(|(icon, words, asking)| {
        let class = matches!(asking, Asking::Remove(_)).then_some("danger");
        let choose = move |_: MouseEvent| {
            section.menu.set(None);
            section.asking.set(asking.clone());
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
    match section.asking.get() {
        Asking::Nothing => ().into_any(),
        Asking::NewUser => new_user(section),
        Asking::Role(name, role) => role_form(section, name, role),
        Asking::Reset(name) => {
            let words = t("This sets a new password, and ends all sessions of this user.");
            let change = UserChange::ResetPassword { name: name.clone() };
            let act = move || section.change(change.clone(), "Password reset", "Couldn't reset the password");
            let title = crate::t!("Reset password of {}?", name);
            confirmation(section, title, words, t("Reset password").to_owned(), false, act)
        }
        Asking::Remove(name) => {
            let words = t("This ends all sessions of this user, and revokes their API tokens.");
            let change = UserChange::Remove { name: name.clone() };
            let act = move || section.change(change.clone(), "User removed", "Couldn't remove the user");
            let verb = crate::t!("Remove {}", name.clone());
            confirmation(section, crate::t!("Remove {}?", name), words, verb, true, act)
        }
    }
}

fn new_user(section: Section) -> AnyView {
    let name = StoredValue::new(String::new());
    let role = StoredValue::new(Role::Viewer);
    let fields = view! {
        {field("User name", "text", String::new(), "", Box::new(move |text| name.set_value(text)))}
        {role_choice(Role::Admin, role)}
        <p class="quiet">{t("Quaylight generates a password, which the user can change after signing in.")}</p>
    };
    let send = move || -> Result<Sent, String> {
        let change = UserChange::Add { name: name.get_value().trim().to_owned(), role: role.get_value() };
        Ok(Box::pin(async move {
            section.password.try_set(change_user(change).await?);
            section.load();
            Ok(())
        }))
    };
    let close = Rc::new(move || section.close());
    form(t("New user").to_owned(), fields.into_any(), "Create", Box::new(send), close)
}

fn role_form(section: Section, name: String, role: Role) -> AnyView {
    let role = StoredValue::new(role);
    let fields = view! {
        {role_choice(Role::Admin, role)}
        <p class="quiet">{t("This ends all sessions of this user.")}</p>
    };
    let title = crate::t!("Change role of {}", name.clone());
    let send = move || -> Result<Sent, String> {
        let change = UserChange::ChangeRole { name: name.clone(), role: role.get_value() };
        Ok(Box::pin(async move {
            change_user(change).await?;
            section.toasts.show(Level::Ok, t("Role changed"), None);
            section.load();
            Ok(())
        }))
    };
    let close = Rc::new(move || section.close());
    form(title, fields.into_any(), "Change", Box::new(send), close)
}

fn confirmation(
    section: Section,
    title: String,
    words: &'static str,
    verb: String,
    is_danger: bool,
    act: impl Fn() + Clone + Send + 'static,
) -> AnyView {
    let confirm = move |_| {
        section.close();
        act();
    };
    view! {
        <Dialog title on_close=move || section.close()>
            <p>{words}</p>
            <footer>
                <button class="button" autofocus on:click=on_click(move |_| section.close())>{t("Cancel")}</button>
                <button class="button main" class:danger=is_danger on:click=on_click(confirm.clone())>{verb.clone()}</button>
            </footer>
        </Dialog>
    }
    .into_any()
}
