//! Two-factor authentication of the signed-in user: whether it is on, and the dialogs that turn it on and off.

use super::{
    super::{
        Site, format,
        widgets::{Sent, boxed, button, field, form},
    },
    account::{OpenDialog, Section, password_field},
    shown_once::secret_line,
};
use crate::{
    actions::account::change_account,
    client::{Level, t},
    model::{Account, AccountChange, AccountResponse, Enrollment, QrCode},
};
use leptos::prelude::*;
use std::rc::Rc;

/// In modules, around a QR code.
const QUIET_ZONE: usize = 4;

pub(super) fn two_factor(section: Section, account: &Account) -> AnyView {
    let (words, icon, verb, open_dialog) = match account.recovery_codes {
        None => (t("Off").to_owned(), "add", "Set up", OpenDialog::StartTwoFactor),
        Some(codes) => {
            let words = format::count(codes, ["On, {} recovery code left", "On, {} recovery codes left"]);
            (words, "close", "Turn off", OpenDialog::DisableTwoFactor)
        }
    };
    let ask = Box::new(move |_| section.open_dialog.set(open_dialog.clone()));
    view! {
        <div class="setting">
            <span>{t("Two-factor authentication")} " " <small>{words}</small></span>
            {button("button", icon, boxed(move || t(verb).to_owned()), ask)}
        </div>
    }
    .into_any()
}

pub(super) fn start_form(section: Section) -> AnyView {
    let password = StoredValue::new(String::new());
    let fields = view! {
        <p>{t("You will sign in with your password and a code from an authenticator app on your phone.")}</p>
        {password_field(password)}
    };
    let host = Site::expect().hostname.to_string();
    let send = move || -> Result<Sent, String> {
        let change = AccountChange::StartTwoFactor { host: host.clone(), password: password.get_value() };
        Ok(Box::pin(async move {
            if let AccountResponse::Enrollment(it) = change_account(change).await? {
                section.enrollment.set(Some(it));
            }
            Ok(())
        }))
    };
    let close = Rc::new(move || section.close());
    form(t("Set up two-factor authentication").to_owned(), fields.into_any(), "Continue", Box::new(send), close)
}

/// Open while there is a key to enroll.
pub(super) fn enrollment(section: Section) -> Option<AnyView> {
    let Enrollment { key, qr_code } = section.enrollment.get()?;
    let code = StoredValue::new(String::new());
    let fields = view! {
        <p>{t("Scan this QR code with your authenticator app, or enter the key.")}</p>
        {drawing(qr_code)}
        {secret_line(key)}
        {field("Code from the app", "text", String::new(), "", Box::new(move |text| code.set_value(text)))}
        <p class="quiet">{t("This ends all your other sessions. API tokens stay valid.")}</p>
    };
    let send = move || -> Result<Sent, String> {
        let change = AccountChange::EnableTwoFactor { code: code.get_value() };
        Ok(Box::pin(async move {
            if let AccountResponse::RecoveryCodes(codes) = change_account(change).await? {
                section.recovery_codes.set(Some(codes.join("\n")));
            }
            section.load();
            Ok(())
        }))
    };
    let close = Rc::new(move || section.enrollment.set(None));
    let title = t("Set up two-factor authentication").to_owned();
    Some(form(title, fields.into_any(), "Turn on", Box::new(send), close))
}

fn drawing(QrCode { size, path }: QrCode) -> AnyView {
    let side = size + 2 * QUIET_ZONE;
    view! {
        <svg class="qr-code" viewBox=format!("-{QUIET_ZONE} -{QUIET_ZONE} {side} {side}") role="img" aria-label=t("QR code")>
            <path d=path />
        </svg>
    }
    .into_any()
}

pub(super) fn disable_form(section: Section) -> AnyView {
    let [password, code] = [(); 2].map(|()| StoredValue::new(String::new()));
    let fields = view! {
        <p>{t("Your password alone will be enough to sign in.")}</p>
        {password_field(password)}
        {field("Code", "text", String::new(), "From the app, or a recovery code", Box::new(move |text| code.set_value(text)))}
    };
    let send = move || -> Result<Sent, String> {
        let change = AccountChange::DisableTwoFactor { password: password.get_value(), code: code.get_value() };
        Ok(Box::pin(async move {
            change_account(change).await?;
            section.toasts.show(Level::Ok, t("Two-factor authentication disabled"), None);
            section.load();
            Ok(())
        }))
    };
    let close = Rc::new(move || section.close());
    form(t("Turn off two-factor authentication?").to_owned(), fields.into_any(), "Turn off", Box::new(send), close)
}
