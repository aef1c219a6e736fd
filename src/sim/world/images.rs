//! Images and their changes, with Docker's refusals.

use super::{Container, Labels, Refusal, World, attributes};
use crate::sim::{events::Attributes, time::Nanos};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// With its `sha256:` prefix.
    pub id: String,
    /// Such as `nginx:1.27`; sorted.
    pub tags: Vec<String>,
    /// Such as `nginx@sha256:…`.
    pub digests: Vec<String>,
    pub created: Nanos,
    pub size: u64,
    pub labels: Labels,
    pub command: Vec<String>,
    pub env: Vec<String>,
    /// Such as `80/tcp`.
    pub exposed: Vec<String>,
    /// Paths that get an anonymous volume.
    pub volumes: Vec<String>,
    /// Oldest first.
    pub layers: Vec<Layer>,
}

impl Image {
    /// An image without a name that holds `size` bytes.
    pub fn blank(id: String, size: u64, created: Nanos) -> Self {
        Self {
            id,
            tags: Vec::new(),
            digests: Vec::new(),
            created,
            size,
            labels: Labels::new(),
            command: vec!["/bin/sh".into()],
            env: vec!["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".into()],
            exposed: Vec::new(),
            volumes: Vec::new(),
            layers: vec![Layer { created_by: "Imported from -".into(), size }],
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    pub created_by: String,
    pub size: u64,
}

/// The outcome of an image removal: one line of Docker's response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Removed {
    Untagged(String),
    Deleted(String),
}

impl World {
    pub fn each_image(&self) -> impl Iterator<Item = &Image> {
        self.images.values()
    }

    pub fn put_image(&mut self, image: Image) {
        self.images.insert(image.id.clone(), image);
    }

    /// Looks up an image by name, by id, or by a prefix of its id.
    pub fn find_image(&self, reference: &str) -> Result<&Image, Refusal> {
        let name = familiar(reference);
        let named = self.images.values().find(|it| it.tags.contains(&name) || it.digests.contains(&name));
        let digits = reference.strip_prefix("sha256:").unwrap_or(reference);
        let by_id = || {
            let prefix = format!("sha256:{digits}");
            let first = self.images.range(prefix.clone()..).next();
            first.filter(|(id, _)| !digits.is_empty() && id.starts_with(&prefix)).map(|it| it.1)
        };
        named.or_else(by_id).ok_or_else(|| Refusal::not_found(format!("No such image: {name}")))
    }

    /// Adds a tag, which another image may lose.
    pub fn tag(&mut self, reference: &str, name: &str) -> Result<(), Refusal> {
        let id = self.find_image(reference)?.id.clone();
        let name = familiar(name);
        if name.starts_with(':') || name.chars().any(|c| c.is_ascii_uppercase() && !name.contains(':')) {
            return Err(Refusal::invalid("invalid reference format"));
        }
        self.give_name(&id, &name);
        self.tell("image", "tag", &id, attributes([("name", &name)]));
        Ok(())
    }

    /// Adds an imported or pulled image. An existing tag of that name moves to it.
    pub fn add_image(&mut self, image: Image, name: Option<&str>, action: &str) -> String {
        let id = image.id.clone();
        self.put_image(image);
        if let Some(name) = name {
            self.give_name(&id, &familiar(name));
        }
        match name.map(familiar) {
            Some(name) if action == "pull" => self.tell_of_pull(&name),
            Some(name) => {
                self.tell("image", "tag", &id, attributes([("name", &name)]));
                self.tell("image", action, &id, attributes([("name", &id)]));
            }
            None => self.tell("image", action, &id, attributes([("name", &id)])),
        }
        id
    }

    /// A pull event carries the name only, not the image's id.
    pub fn tell_of_pull(&mut self, name: &str) {
        let repository = name.rsplit_once(':').map_or(name, |it| it.0);
        self.tell("image", "pull", name, attributes([("name", repository)]));
    }

    /// Creates an image from a container's current state and returns its id.
    pub fn commit(&mut self, container: &str, name: Option<&str>, now: Nanos) -> Result<String, Refusal> {
        let container = self.known(container)?;
        let id = format!("sha256:{}", self.new_id());
        let from = self.images.get(&container.image_id).cloned();
        let layer = Layer { created_by: container.command_line(), size: 4_000_000 };
        let mut image = from.unwrap_or_else(|| Image::blank(String::new(), 0, now));
        (image.id, image.created, image.size) = (id.clone(), now, image.size + layer.size);
        (image.tags, image.digests) = (Vec::new(), Vec::new());
        image.layers.push(layer);
        self.put_image(image);
        let reference = name.map(familiar).unwrap_or_default();
        if !reference.is_empty() {
            self.give_name(&id, &reference);
            self.tell("image", "tag", &id, attributes([("name", &reference)]));
        }
        let more = [("comment", ""), ("imageID", id.as_str()), ("imageRef", &reference)];
        self.tell_of(&container.id, "commit", more);
        Ok(id)
    }

    /// Removes a tag from an image. The image itself is removed with its last tag, or when given by id.
    pub fn remove_image(&mut self, reference: &str, force: bool) -> Result<Vec<Removed>, Refusal> {
        let image = self.find_image(reference)?.clone();
        let name = familiar(reference);
        let by_name = image.tags.contains(&name);
        let users: Vec<&Container> = self.each_container().filter(|it| it.image_id == image.id).collect();
        let running = users.iter().find(|it| it.state.is_up());
        let short = &image.id[7..19];
        let last_name = by_name && image.tags.len() == 1;
        if !by_name && image.tags.len() > 1 && !force {
            return Err(Refusal::conflict(format!(
                "conflict: unable to delete {short} (must be forced) - image is referenced in multiple repositories"
            )));
        }
        match (running, users.first()) {
            (Some(user), _) if !by_name => {
                return Err(Refusal::conflict(format!(
                    "conflict: unable to delete {short} (cannot be forced) - image is being used by running container {}",
                    user.short_id()
                )));
            }
            (_, Some(user)) if last_name && !force => {
                return Err(Refusal::conflict(format!(
                    "conflict: unable to remove repository reference \"{reference}\" (must force) - container {} is using its referenced image {short}",
                    user.short_id()
                )));
            }
            (_, Some(user)) if !by_name && !force => {
                return Err(Refusal::conflict(format!(
                    "conflict: unable to delete {short} (must be forced) - image is being used by stopped container {}",
                    user.short_id()
                )));
            }
            _ => {}
        }
        let stays = by_name && (!last_name || !users.is_empty());
        let mut removed = Vec::new();
        for tag in image.tags.iter().filter(|tag| !by_name || **tag == name) {
            if let Some(image) = self.images.get_mut(&image.id) {
                image.tags.retain(|it| it != tag);
            }
            self.tell("image", "untag", &image.id, image_attributes(&image));
            removed.push(Removed::Untagged(tag.clone()));
        }
        if !stays {
            removed.extend(image.digests.iter().cloned().map(Removed::Untagged));
            self.images.remove(&image.id);
            self.tell("image", "delete", &image.id, image_attributes(&image));
            removed.push(Removed::Deleted(image.id));
        }
        Ok(removed)
    }

    /// Removes unused images without a name (or all unused ones). Returns the removals and the freed bytes.
    pub fn prune_images(&mut self, all: bool) -> (Vec<Removed>, u64) {
        let used = |id: &str| self.each_container().any(|it| it.image_id == id);
        let unused = self.images.values().filter(|it| (all || it.tags.is_empty()) && !used(&it.id));
        let gone: Vec<(String, u64)> = unused.map(|it| (it.id.clone(), it.size)).collect();
        let freed = gone.iter().map(|it| it.1).sum();
        let removed = gone.iter().filter_map(|(id, _)| self.remove_image(id, true).ok()).flatten().collect();
        (removed, freed)
    }

    fn give_name(&mut self, id: &str, name: &str) {
        for image in self.images.values_mut() {
            image.tags.retain(|it| it != name);
            if image.id == id {
                image.tags.push(name.to_owned());
                image.tags.sort();
            }
        }
    }
}

fn image_attributes(image: &Image) -> Attributes {
    let mut about = image.labels.clone();
    about.insert("name".into(), image.id.clone());
    about
}

/// A name as Docker shows it: without Docker's own registry, with a tag.
pub fn familiar(name: &str) -> String {
    let name = name.strip_prefix("docker.io/").unwrap_or(name);
    let name = name.strip_prefix("library/").unwrap_or(name);
    let has_tag = name.contains('@') || name.rsplit_once(':').is_some_and(|(_, tag)| !tag.contains('/'));
    if has_tag { name.to_owned() } else { format!("{name}:latest") }
}
