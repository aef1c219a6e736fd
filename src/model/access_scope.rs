//! The access scope of a user: the containers that the user may see and use.

use super::{Container, Event, pattern};
use serde::{Deserialize, Serialize};

/// Maximum projects and names, each.
const MOST: usize = 50;

/// Maximum length of a project or name, in characters.
const LONGEST: usize = 200;

/// A container is in the scope if both its project and its name are allowed. An empty list allows any.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct AccessScope {
    /// Compose projects.
    pub projects: Vec<String>,
    /// Names of containers. `*` matches any text.
    pub names: Vec<String>,
}

impl AccessScope {
    /// Parses lists as users write them, separated by commas or spaces. `None` if both are empty.
    pub fn parse(projects: &str, names: &str) -> Option<Self> {
        let words = |text: &str| {
            let words = text.split([',', ' ']).filter(|word| !word.is_empty()).map(str::to_owned);
            let mut words: Vec<String> = words.collect();
            words.sort();
            words.dedup();
            words
        };
        let scope = Self { projects: words(projects), names: words(names) };
        (scope != Self::default()).then_some(scope)
    }

    /// Whether it excludes anything, and is short enough to store.
    pub fn is_valid(&self) -> bool {
        let all = [&self.projects, &self.names];
        all.into_iter().any(|list| !list.is_empty())
            && all.into_iter().all(|list| list.len() <= MOST)
            && all.into_iter().flatten().all(|it| !it.is_empty() && it.chars().count() <= LONGEST)
    }

    /// Its projects and names, separated by commas.
    pub fn words(&self) -> String {
        [&self.projects[..], &self.names].concat().join(", ")
    }

    pub fn includes(&self, container: &Container) -> bool {
        self.includes_named(&container.name, container.project())
    }

    /// Whether it includes a container with this name and project.
    pub fn includes_named(&self, name: &str, project: Option<&str>) -> bool {
        let has_project = |project| self.projects.iter().any(|it| Some(it.as_str()) == project);
        (self.projects.is_empty() || has_project(project))
            && (self.names.is_empty() || self.names.iter().any(|it| pattern::matches(it, name)))
    }

    /// Whether it includes an event, by the name and the project that its container had.
    pub fn includes_event(&self, event: &Event) -> bool {
        event.kind == "container" && self.includes_named(&event.name, event.project.as_deref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn project_and_name_both_have_to_be_allowed() {
        let scope = AccessScope::parse("shop, blog", "web*").unwrap();
        assert_eq!(scope.projects, ["blog", "shop"]);
        assert!(scope.includes_named("web-1", Some("shop")) && scope.includes_named("web", Some("blog")));
        for (name, project) in [("db", Some("shop")), ("web", Some("shop2")), ("web", None)] {
            assert!(!scope.includes_named(name, project), "{name} {project:?}");
        }
        assert!(AccessScope::parse("shop", "").unwrap().includes_named("any", Some("shop")));
        assert!(AccessScope::parse("", "web").unwrap().includes_named("web", None));
    }

    #[test]
    fn scope_that_includes_everything_is_none() {
        assert_eq!(AccessScope::parse("", " , "), None);
        assert!(!AccessScope::default().is_valid());
        assert!(!AccessScope { projects: vec![String::new()], names: Vec::new() }.is_valid());
        assert!(!AccessScope { projects: vec!["x".repeat(LONGEST + 1)], names: Vec::new() }.is_valid());
    }
}
