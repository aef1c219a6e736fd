//! The container as a `docker run` command and as compose.yaml, without environment values until the user requests them.

use super::{Shown, inside::ids};
use crate::{
    client::{Toasts, copy_to_clipboard, t},
    model::{Permission, Recipe, recipe},
    queries::recipes::{recipe_of, recipe_with_secrets},
    views::{
        may,
        on_demand::OnDemand,
        widgets::{boxed, button, on_click},
    },
};
use leptos::prelude::*;

pub(super) fn recipe_part() -> AnyView {
    let Some((host, id)) = ids(&expect_context::<Shown>().0) else { return ().into_any() };
    let asked = OnDemand::<Recipe>::new();
    asked.ask(recipe_of(host.clone(), id.clone()));
    let reveal = move || asked.ask(recipe_with_secrets(host.clone(), id.clone()));
    let may_reveal = may(Permission::Reveal);
    let draw = move |it: &Recipe| {
        let is_hidden = may_reveal && it.spec.is_hidden();
        let reveal = reveal.clone();
        let values = is_hidden.then(|| {
            let press = Box::new(move |_| reveal());
            view! {
                <p class="quiet">{t("Values that may be secret are hidden as ***. ")}</p>
                {button("button", "registry", boxed(|| t("Show values").to_owned()), press)}
            }
            .into_any()
        });
        let left_out = (!it.left_out.is_empty()).then(|| {
            view! { <p class="failed">{crate::t!("Not included: {}.", it.left_out.join(", "))}</p> }.into_any()
        });
        view! {
            <section class="inside recipe" aria-label=t("Run / Compose")>
                {values}
                {left_out}
                {text("docker run", recipe::docker_run(&it.name, &it.spec))}
                {text("compose.yaml", recipe::compose(&it.name, &it.spec))}
            </section>
        }
        .into_any()
    };
    asked.draw("Couldn't load the image configuration", draw)
}

fn text(title: &'static str, text: String) -> AnyView {
    let toasts = expect_context::<Toasts>();
    let copied = text.clone();
    let copy = move |_: leptos::ev::MouseEvent| {
        copy_to_clipboard(toasts, &copied, crate::t!("{} copied", title));
    };
    view! {
        <div class="titled">
            <h2>{title}</h2>
            <button class="button" aria-label=crate::t!("Copy {}", title) on:click=on_click(copy)>{t("Copy")}</button>
        </div>
        <pre tabindex="0">{text}</pre>
    }
    .into_any()
}
