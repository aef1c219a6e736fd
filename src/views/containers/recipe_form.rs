//! Form for a container's recipe: a new container, a duplicate, or a recreated one.

use super::written::{
    bytes_read, bytes_written, cores_read, cores_written, health_read, health_written, labels_read, labels_written,
    list_read, list_written, mounts_read, mounts_written, networks_read, networks_written, ports_read, ports_written,
    words_read, words_written,
};
use crate::{
    actions::requests::start,
    client::{Level, Store, TaskBoard, Toasts, effect, t, translate},
    model::{ContainerId, ContainerName, ContainerSpec, HostId, Job, NewContainer, Recipe, Task, TaskId, TaskState},
    views::widgets::{Sent, area, check, choice, field, form},
    wire::{ActionError, ErrorKind},
};
use futures::channel::oneshot;
use leptos::prelude::*;
use std::{cell::RefCell, rc::Rc};

/// The purpose of the form.
#[derive(Clone)]
pub(super) enum Purpose {
    New,
    /// Environment values that are not changed are copied from this container.
    DuplicateOf(ContainerId),
    InPlaceOf(ContainerId),
}

type Text = StoredValue<String>;

fn text(label: &'static str, hint: &'static str, into: Text) -> AnyView {
    field(label, "text", into.get_value(), hint, Box::new(move |text| into.set_value(text)))
}

fn lines(label: &'static str, hint: &'static str, into: Text) -> AnyView {
    area(label, into.get_value(), hint, Box::new(move |text| into.set_value(text)))
}

fn tick(label: &'static str, into: StoredValue<bool>) -> AnyView {
    check(t(label).to_owned(), into.get_value(), Box::new(move |is_set| into.set_value(is_set)))
}

/// The form's values, in its order.
#[derive(Clone, Copy)]
struct Typed {
    name: Text,
    image: Text,
    command: Text,
    entrypoint: Text,
    ports: Text,
    env: Text,
    mounts: Text,
    networks: Text,
    restart: Text,
    memory: Text,
    cpus: Text,
    health: Text,
    labels: Text,
    user: Text,
    workdir: Text,
    hostname: Text,
    extra_hosts: Text,
    cap_add: Text,
    tty: StoredValue<bool>,
    init: StoredValue<bool>,
    read_only: StoredValue<bool>,
    privileged: StoredValue<bool>,
    starts: StoredValue<bool>,
}

impl Typed {
    fn new(name: String, spec: &ContainerSpec) -> Self {
        let text = |text: String| StoredValue::new(text);
        let or_empty = |it: &Option<String>| StoredValue::new(it.clone().unwrap_or_default());
        Self {
            name: text(name),
            image: text(spec.image.clone()),
            command: text(words_written(spec.command.as_deref().unwrap_or_default())),
            entrypoint: text(words_written(spec.entrypoint.as_deref().unwrap_or_default())),
            ports: text(ports_written(&spec.ports)),
            env: text(list_written(&spec.env)),
            mounts: text(mounts_written(&spec.mounts)),
            networks: text(networks_written(&spec.networks)),
            restart: text(spec.restart.clone().unwrap_or_else(|| "no".to_owned())),
            memory: text(bytes_written(spec.limits.memory)),
            cpus: text(cores_written(spec.limits.millicpus)),
            health: text(health_written(spec.health.as_ref())),
            labels: text(labels_written(&spec.labels)),
            user: or_empty(&spec.user),
            workdir: or_empty(&spec.workdir),
            hostname: or_empty(&spec.hostname),
            extra_hosts: text(list_written(&spec.extra_hosts)),
            cap_add: text(list_written(&spec.cap_add)),
            tty: StoredValue::new(spec.tty),
            init: StoredValue::new(spec.init),
            read_only: StoredValue::new(spec.read_only),
            privileged: StoredValue::new(spec.privileged),
            starts: StoredValue::new(true),
        }
    }

    /// Reads the form. Settings that it doesn't have keep their values from `before`.
    fn read(self, before: &ContainerSpec) -> Result<ContainerSpec, String> {
        let said = |it: Text| Some(it.get_value().trim().to_owned()).filter(|it| !it.is_empty());
        let words = |it: Text, before: &Option<Vec<String>>| -> Result<Option<Vec<String>>, String> {
            let written = words_written(before.as_deref().unwrap_or_default());
            if it.get_value() == written {
                return Ok(before.clone());
            }
            Ok(Some(words_read(&it.get_value())?).filter(|it| !it.is_empty()))
        };
        let mut limits = before.limits.clone();
        limits.memory = bytes_read(&self.memory.get_value())?;
        limits.millicpus = cores_read(&self.cpus.get_value())?;
        if limits.memory != before.limits.memory {
            limits.memory_swap = None;
        }
        let spec = ContainerSpec {
            image: self.image.get_value().trim().to_owned(),
            command: words(self.command, &before.command)?,
            entrypoint: words(self.entrypoint, &before.entrypoint)?,
            ports: ports_read(&self.ports.get_value())?,
            env: list_read(&self.env.get_value()),
            mounts: mounts_read(&self.mounts.get_value())?,
            networks: networks_read(&self.networks.get_value())?,
            restart: said(self.restart).filter(|it| it != "no"),
            limits,
            health: health_read(&self.health.get_value(), before.health.as_ref()),
            labels: labels_read(&self.labels.get_value()),
            user: said(self.user),
            workdir: said(self.workdir),
            hostname: said(self.hostname),
            extra_hosts: list_read(&self.extra_hosts.get_value()),
            cap_add: list_read(&self.cap_add.get_value()),
            tty: self.tty.get_value(),
            init: self.init.get_value(),
            read_only: self.read_only.get_value(),
            privileged: self.privileged.get_value(),
            ..before.clone()
        };
        spec.fault().map_or(Ok(spec), |fault| Err(translate(&fault)))
    }

    fn fields(self, purpose: &Purpose) -> AnyView {
        let restart = self.restart.get_value();
        let policies = ["no", "always", "unless-stopped", "on-failure"];
        let mut policies: Vec<(String, String)> = policies.map(|it| (it.to_owned(), it.to_owned())).to_vec();
        if !policies.iter().any(|(it, _)| *it == restart) {
            policies.push((restart.clone(), restart.clone()));
        }
        let set_restart = Box::new(move |it| self.restart.set_value(it));
        let name = !matches!(purpose, Purpose::InPlaceOf(_));
        view! {
            <div class="pair">
                {name.then(|| text("Name", "web", self.name))}
                {text("Image", "nginx:1.27", self.image)}
            </div>
            {text("Command (optional)", "nginx -g 'daemon off;'", self.command)}
            <div class="pair">
                {lines("Ports", "8080:80", self.ports)}
                {lines("Mounts", "data:/data", self.mounts)}
            </div>
            <div class="pair">
                {lines("Environment", "KEY=value", self.env)}
                {lines("Networks", "bridge", self.networks)}
            </div>
            <div class="pair">
                {choice("Restart policy", policies, &restart, set_restart)}
                {text("Memory", "no limit", self.memory)}
                {text("CPU cores", "no limit", self.cpus)}
            </div>
            <details>
                <summary>{t("Advanced options")}</summary>
                <div class="form">
                    {text("Entrypoint (optional)", "", self.entrypoint)}
                    {text("Health check command", "curl -f http://localhost/", self.health)}
                    {lines("Labels", "team=web", self.labels)}
                    <div class="pair">
                        {text("User", "1000:1000", self.user)}
                        {text("Working directory", "/app", self.workdir)}
                        {text("Hostname", "", self.hostname)}
                    </div>
                    <div class="pair">
                        {lines("Extra hosts", "db:10.0.0.5", self.extra_hosts)}
                        {lines("Capabilities to add", "NET_ADMIN", self.cap_add)}
                    </div>
                    {tick("Allocate a TTY", self.tty)}
                    {tick("Run an init process (--init)", self.init)}
                    {tick("Read-only root filesystem", self.read_only)}
                    {tick("Privileged (full access to the host)", self.privileged)}
                </div>
            </details>
            {name.then(|| tick("Start after creating", self.starts))}
        }
        .into_any()
    }
}

/// `close` is called when the task is done or the user cancels.
pub(super) fn recipe_form(host: HostId, recipe: Recipe, purpose: Purpose, close: Rc<dyn Fn()>) -> AnyView {
    let Recipe { name, spec: before, left_out } = recipe;
    let (title, verb, first_name) = match purpose {
        Purpose::New => (t("Create a container").to_owned(), "Create", String::new()),
        Purpose::DuplicateOf(_) => (crate::t!("Duplicate {}", name), "Create", format!("{name}-2")),
        Purpose::InPlaceOf(_) => (crate::t!("Edit {}", name), "Recreate", name.clone()),
    };
    let typed = Typed::new(first_name, &before);
    let sentence = match purpose {
        Purpose::InPlaceOf(_) => Some(
            "Saving recreates the container with its volumes. The old container is kept until the new one is running, and restored if it fails to start.",
        ),
        Purpose::DuplicateOf(_) | Purpose::New => None,
    };
    let lost = (!left_out.is_empty()).then(|| {
        let words = crate::t!("These settings can't be copied: {}.", left_out.join(", "));
        view! { <p class="failed">{words}</p> }.into_any()
    });
    let hidden = before.is_hidden().then_some("*** is a hidden value. Leave it to keep the current value.");
    let fields = view! {
        {sentence.map(|words| view! { <p>{t(words)}</p> }.into_any())}
        {lost}
        {typed.fields(&purpose)}
        {hidden.map(|words| view! { <p class="quiet">{t(words)}</p> }.into_any())}
    }
    .into_any();
    let (board, toasts, owner) = (expect_context::<Store>().tasks(), expect_context::<Toasts>(), Owner::current());
    let send = move || -> Result<Sent, String> {
        let spec = typed.read(&before)?;
        let job = match &purpose {
            Purpose::InPlaceOf(id) => Job::Recreate(id.clone(), Box::new(spec)),
            purpose => {
                let name = typed.name.get_value().trim().to_owned();
                let name = ContainerName::new(&name).map_err(|_| t(NAME).to_owned())?;
                let values_of = if let Purpose::DuplicateOf(id) = purpose { Some(id.clone()) } else { None };
                Job::Create(name, Box::new(NewContainer { spec, start: typed.starts.get_value(), values_of }))
            }
        };
        let (host, board, owner) = (host.clone(), board.clone(), owner.clone());
        Ok(Box::pin(async move {
            let done = start(host, job).await?;
            let Some(id) = done.task else { return Ok(()) };
            let over = owner.map(|owner| owner.with(|| when_over(board, id)));
            // If the form has closed, the task panel shows the outcome.
            let Some(Ok(task)) = (match over {
                Some(over) => Some(over.await),
                None => None,
            }) else {
                return Ok(());
            };
            match task.state {
                TaskState::Done => {
                    toasts.show(Level::Ok, translate(&task.words), None);
                    Ok(())
                }
                _ => Err(ActionError { kind: ErrorKind::Engine, message: task.words, hint: task.hint }),
            }
        }))
    };
    form(title, fields, verb, Box::new(send), close)
}

/// Docker's rule for names, checked before sending.
const NAME: &str =
    "Names must start with a letter or digit and contain only letters, digits, dots, dashes and underscores";

/// Resolves with the task when it has ended. Never resolves if the owner is dropped first.
fn when_over(board: ArcRwSignal<TaskBoard>, id: TaskId) -> oneshot::Receiver<Task> {
    let (sender, receiver) = oneshot::channel();
    let sender = StoredValue::new_local(RefCell::new(Some(sender)));
    effect(move || {
        let over =
            board.with(|board| board.all().iter().find(|it| it.id == id && it.is_over).and_then(|it| it.unpack()));
        if let Some(task) = over {
            sender.try_with_value(|sender| {
                if let Some(sender) = sender.take() {
                    let _ = sender.send(task);
                }
            });
        }
    });
    receiver
}
