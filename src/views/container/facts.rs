//! Facts about a container, as reported by the engine.

use crate::{
    client::{Row, Store, t},
    model::{Container, MountKind, RestartPolicy},
    views::{
        Site, format,
        widgets::{Ago, boxed},
    },
};
use leptos::prelude::*;

pub(super) fn facts(row: Row) -> AnyView {
    let now = expect_context::<Store>().now();
    let status = {
        let row = row.clone();
        boxed(move || row.container(|it| format::status(it, now.get())))
    };
    let site = Site::expect();
    let others = boxed(move || {
        let entity = row.get();
        let it = entity.as_container()?;
        let created = view! { <Ago time=it.created /> }.into_any();
        let mut facts =
            vec![fact("Image", text(&it.image)), fact("ID", text(&it.id.as_str()[..12])), fact("Created", created)];
        facts.extend(it.project().map(|project| fact("Project", text(project))));
        facts.extend(it.health.map(|health| fact("Health", text(t(health.as_str())))));
        facts.push(fact("Restart policy", text(&restarts(it))));
        facts.extend(list("Ports", format::ports(&it.ports).into_iter().map(|(text, _)| text)));
        facts.extend(list(
            "Networks",
            it.networks.iter().map(|it| {
                let ip = it.ip.as_ref().map(|ip| format!(" · {ip}")).unwrap_or_default();
                format!("{}{ip}", it.name)
            }),
        ));
        facts.extend(list(
            "Mounts",
            it.mounts.iter().map(|it| {
                let source = if it.kind == MountKind::Tmpfs { "tmpfs" } else { &it.source };
                format!("{} ← {source}{}", it.destination, if it.writable { "" } else { t(" (read-only)") })
            }),
        ));
        facts.push(fact("Events", events(it, &site)));
        Some(facts.into_any())
    });
    view! { <dl class="facts"><div><dt>{t("Status")}</dt><dd>{status}</dd></div> {others}</dl> }.into_any()
}

/// Links to the container's own events, and to all events around its last state change.
fn events(it: &Container, site: &Site) -> AnyView {
    let own = site.page(&format!("/events?entity={}", it.id));
    let changed = it.started_at.max(it.finished_at).unwrap_or(it.created);
    let around = site.page(&format!("/events?around={changed}"));
    view! {
        <p><a href=own>{t("View container events")}</a></p>
        <p><a href=around>{t("Events around the last change")}</a></p>
    }
    .into_any()
}

fn text(text: &str) -> AnyView {
    text.to_owned().into_any()
}

fn fact(term: &'static str, value: AnyView) -> AnyView {
    view! { <div><dt>{t(term)}</dt><dd>{value}</dd></div> }.into_any()
}

fn list(term: &'static str, values: impl Iterator<Item = String>) -> Option<AnyView> {
    let values: Vec<_> = values.map(|value| view! { <p>{value}</p> }.into_any()).collect();
    (!values.is_empty()).then(|| fact(term, values.into_any()))
}

fn restarts(it: &Container) -> String {
    let policy = match it.restart_policy {
        None => return String::new(),
        Some(RestartPolicy::No) => "no",
        Some(RestartPolicy::Always) => "always",
        Some(RestartPolicy::UnlessStopped) => "unless-stopped",
        Some(RestartPolicy::OnFailure) => "on-failure",
    };
    match it.restart_count {
        Some(count) if count > 0 => {
            format!("{}, {}", t(policy), format::count(count as usize, ["{} restart", "{} restarts"]))
        }
        _ => t(policy).to_owned(),
    }
}
