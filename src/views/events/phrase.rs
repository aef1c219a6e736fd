//! Description of an event in words.

use crate::{
    client::{t, term, translate},
    model::{ENGINE_DISK, Event},
};

/// Severity of the event, as the colour of its mark.
pub(in crate::views) fn tone(event: &Event) -> Option<&'static str> {
    match event.action.as_str() {
        _ if event.error.is_some() => Some("alarm"),
        _ if event.actor.is_some() => Some("user"),
        "firing" if event.kind == "alert" => match attribute(event, "severity") {
            "critical" => Some("alarm"),
            "warning" => Some("warn"),
            _ => None,
        },
        "resolved" if event.kind == "alert" => Some("ok"),
        "die" if event.exit_code().is_some_and(|code| code != 0) => Some("alarm"),
        "oom" => Some("alarm"),
        "health_status" if attribute(event, "health") == "unhealthy" => Some("warn"),
        "start" | "unpause" => Some("ok"),
        "health_status" => Some("ok"),
        _ => None,
    }
}

fn attribute<'a>(event: &'a Event, key: &str) -> &'a str {
    event.attributes.get(key).map_or("", String::as_str)
}

/// An action requested by a user. When the engine has done it, it emits its own event.
fn deed(event: &Event) -> String {
    let mut verb = event.action.clone();
    if let Some(first) = verb.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    if let Some(error) = &event.error {
        return crate::t!("{} failed: {}", term(&verb), translate(error));
    }
    let of = match event.kind.as_str() {
        "rule" => "Alert rule",
        "channel" => "Channel",
        "quiet_hours" => "Quiet hours",
        _ => return crate::t!("{} requested", term(&verb)),
    };
    let done = match event.action.as_str() {
        "create" => "created",
        "change" => "changed",
        "delete" => "deleted",
        "silence" => "silenced",
        "unsilence" => "unsilenced",
        "test" => "tested",
        other => other,
    };
    format!("{} {}", t(of), term(done))
}

/// A sign-in, a change of a user, or by a user of the own account.
fn of_a_user(event: &Event) -> String {
    let (verb, done) = match event.action.as_str() {
        "set_up" => (t("Setup"), t("First user created").to_owned()),
        "sign_in" => (t("Sign-in"), t("Signed in").to_owned()),
        "sign_out" => (t("Sign-out"), t("Signed out").to_owned()),
        "add" => (t("Add user"), t("User added").to_owned()),
        "remove" => (t("Remove user"), t("User removed").to_owned()),
        "change_role" => (t("Change role"), crate::t!("Role changed to {}", term(attribute(event, "role")))),
        "reset_password" => (t("Reset password"), t("Password reset").to_owned()),
        "change_password" => (t("Change password"), t("Password changed").to_owned()),
        "end_sessions" => (t("End sessions"), t("Sessions ended").to_owned()),
        "end_session" => (t("End session"), t("Session ended").to_owned()),
        "end_other_sessions" => (t("End all other sessions"), t("Other sessions ended").to_owned()),
        "create_token" => (t("Create API token"), t("API token created").to_owned()),
        "revoke_token" => (t("Revoke API token"), t("API token revoked").to_owned()),
        "start_two_factor" => {
            (t("Set up two-factor authentication"), t("Setting up two-factor authentication").to_owned())
        }
        "enable_two_factor" => {
            (t("Turn on two-factor authentication"), t("Two-factor authentication enabled").to_owned())
        }
        "disable_two_factor" => {
            (t("Turn off two-factor authentication"), t("Two-factor authentication disabled").to_owned())
        }
        other => return term(&other.replace('_', " ")),
    };
    match &event.error {
        Some(error) => crate::t!("{} failed: {}", verb, translate(error)),
        None => done,
    }
}

/// The name of the event's subject.
pub(in crate::views) fn name(event: &Event) -> String {
    if event.kind == "alert" && event.name == ENGINE_DISK { t(ENGINE_DISK).to_owned() } else { event.name.clone() }
}

pub(in crate::views) fn phrase(event: &Event) -> String {
    if event.kind == "user" {
        return of_a_user(event);
    }
    if event.actor.is_some() {
        return deed(event);
    }
    let attribute = |key: &str| attribute(event, key);
    let words = match (event.kind.as_str(), event.action.as_str()) {
        (_, "create") => "Created",
        (_, "destroy" | "remove") => "Removed",
        (_, "prune") => "Pruned",
        ("container", "start") => "Started",
        ("container", "die") => "Exited",
        ("container", "stop") => "Stopped",
        ("container", "restart") => "Restarted",
        ("container", "pause") => "Paused",
        ("container", "unpause") => "Unpaused",
        ("container", "oom") => "Out of memory (OOM)",
        ("container", "update") => "Limits updated",
        ("container", "commit") => "Committed to an image",
        ("container", "attach") => "Attached to",
        ("container", "archive-path") => "Files read",
        ("container", "extract-to-dir") => "Files written",
        ("container", "exec_die") => "Exec finished",
        ("container", "kill") => return crate::t!("Sent signal {}", attribute("signal")),
        ("container", "rename") => {
            return crate::t!("Renamed from {}", attribute("oldName").trim_start_matches('/'));
        }
        ("container", "health_status") => {
            return crate::t!("Health status: {}", term(attribute("health")));
        }
        ("container", "exec_create") => return crate::t!("Exec created: {}", attribute("command")),
        ("container", "exec_start") => return crate::t!("Exec started: {}", attribute("command")),
        ("image", "pull") => "Pulled",
        ("image", "push") => "Pushed",
        ("image", "tag") => "Tagged",
        ("image", "untag") => "Untagged",
        ("image", "delete") => "Removed",
        ("image", "import" | "load") => "Loaded",
        ("volume", "mount") => "Mounted",
        ("volume", "unmount") => "Unmounted",
        ("network", "connect") => "Container connected",
        ("network", "disconnect") => "Container disconnected",
        ("daemon", "reload") => "Configuration reloaded",
        ("alert", "firing") => {
            // Events of older versions have the value among the attributes alone, in English.
            let measured = event.message.as_ref().map_or_else(|| attribute("measured").to_owned(), translate);
            return format!("{}: {measured}", attribute("rule"));
        }
        ("notification", "lost") => {
            return crate::t!(
                "Notification not delivered ({}): {}",
                attribute("rule"),
                event.error.as_ref().map(translate).unwrap_or_default()
            );
        }
        ("alert", "resolved") => return crate::t!("{}: resolved", attribute("rule")),
        (_, other) => return term(&other.replace('_', " ")),
    };
    t(words).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{HostId, Labels, Message, Timestamp};

    #[test]
    fn event_is_described_in_words() {
        let phrase_of =
            |kind: &str, action: &str, (key, value): (&str, &str), actor: Option<&str>, error: Option<&str>| {
                let mut attributes = Labels::default();
                attributes.insert(key.into(), value.into());
                let event = Event {
                    seq: 1,
                    host: HostId::new("local").unwrap(),
                    time: Timestamp::default(),
                    kind: kind.into(),
                    action: action.into(),
                    id: String::new(),
                    name: "web".into(),
                    project: None,
                    actor: actor.map(str::to_owned),
                    error: error.map(Message::verbatim),
                    message: None,
                    attributes,
                };
                (phrase(&event), tone(&event))
            };
        let cases = [
            (phrase_of("container", "die", ("exitCode", "137"), None, None), ("Exited", Some("alarm"))),
            (phrase_of("container", "die", ("exitCode", "0"), None, None), ("Exited", None)),
            (phrase_of("container", "kill", ("signal", "9"), None, None), ("Sent signal 9", None)),
            (phrase_of("container", "rename", ("oldName", "/old"), None, None), ("Renamed from old", None)),
            (phrase_of("container", "stop", ("", ""), Some("alice"), None), ("Stop requested", Some("user"))),
            (
                phrase_of("container", "stop", ("", ""), Some("alice"), Some("It is gone")),
                ("Stop failed: It is gone", Some("alarm")),
            ),
            (phrase_of("rule", "change", ("", ""), Some("alice"), None), ("Alert rule changed", Some("user"))),
            (
                phrase_of("user", "change_role", ("role", "viewer"), Some("alice"), None),
                ("Role changed to viewer", Some("user")),
            ),
            (phrase_of("alert", "firing", ("measured", "is down"), None, None), (": is down", None)),
            (
                phrase_of("notification", "lost", ("rule", "busy"), None, Some("it was given up")),
                ("Notification not delivered (busy): it was given up", Some("alarm")),
            ),
            (phrase_of("pod", "init_all", ("", ""), None, None), ("init all", None)),
        ];
        for ((words, tone), expected) in cases {
            assert_eq!((words.as_str(), tone), expected);
        }
    }
}
