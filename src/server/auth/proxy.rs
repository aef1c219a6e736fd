//! Sign-in by a reverse proxy, which sends the user's name and groups in headers. From other addresses than the trusted
//! proxies', they are ignored.

use super::{Caller, users::LONGEST_NAME};
use crate::{
    message,
    model::{Message, Role},
    server::trusted_proxies::TrustedProxies,
};
use axum::http::{HeaderMap, HeaderName};
use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProxySettings {
    pub user_header: HeaderName,
    pub groups_header: HeaderName,
    /// Members of these groups are admins or operators. All other users are viewers.
    pub admin_groups: Vec<String>,
    pub operator_groups: Vec<String>,
}

impl Default for ProxySettings {
    fn default() -> Self {
        Self {
            user_header: HeaderName::from_static("remote-user"),
            groups_header: HeaderName::from_static("remote-groups"),
            admin_groups: Vec::new(),
            operator_groups: Vec::new(),
        }
    }
}

pub struct ProxySignIn {
    settings: ProxySettings,
    proxies: Arc<TrustedProxies>,
    is_warned: AtomicBool,
}

impl ProxySignIn {
    pub fn new(settings: ProxySettings, proxies: Arc<TrustedProxies>) -> Self {
        Self { settings, proxies, is_warned: AtomicBool::new(false) }
    }

    /// The caller of a request through `peer`, from the client at `address`.
    pub(super) fn caller(&self, headers: &HeaderMap, peer: IpAddr, address: IpAddr) -> Option<Caller> {
        self.user(headers, peer).ok().map(|name| Caller::of_proxy(name, self.role(headers), address))
    }

    /// Why a request has no caller, if it has none.
    pub fn refusal(&self, headers: &HeaderMap, peer: IpAddr) -> Option<Message> {
        self.user(headers, peer).err()
    }

    fn user<'a>(&self, headers: &'a HeaderMap, peer: IpAddr) -> Result<&'a str, Message> {
        let header = &self.settings.user_header;
        let mut values = headers.get_all(header).iter();
        let value = values.next();
        if !self.proxies.is_trusted(peer) {
            if value.is_some() && !self.is_warned.swap(true, Relaxed) {
                tracing::warn!(%peer, %header, "ignored: if this address is your reverse proxy's, add it to trusted-proxies");
            }
            return Err(message!(
                "A reverse proxy signs users in here, and {address} isn't one of the trusted ones. Open the proxy's address instead, or add this one to trusted-proxies.",
                address = peer.to_string()
            ));
        }
        let name = value.and_then(|it| it.to_str().ok()).map(str::trim).filter(|it| !it.is_empty());
        match name {
            Some(name) if values.next().is_none() && name.chars().count() <= LONGEST_NAME => Ok(name),
            // The second one may be the client's own.
            Some(_) => Err(message!(
                "The reverse proxy at {address} sent several or too long {header} headers.",
                address = peer.to_string(),
                header = header.to_string()
            )),
            None => Err(message!(
                "The reverse proxy at {address} sent no {header} header. Sign in to the proxy, or configure it to send this header.",
                address = peer.to_string(),
                header = header.to_string()
            )),
        }
    }

    /// The role by the groups, which proxies separate by commas, `|` or `;`.
    fn role(&self, headers: &HeaderMap) -> Role {
        let mut values = headers.get_all(&self.settings.groups_header).iter();
        let groups = values.next().and_then(|it| it.to_str().ok()).unwrap_or_default();
        // The second one may be the client's own.
        if values.next().is_some() {
            return Role::Viewer;
        }
        let groups: Vec<&str> = groups.split([',', '|', ';']).map(str::trim).collect();
        let has = |wanted: &[String]| wanted.iter().any(|it| groups.contains(&it.as_str()));
        if has(&self.settings.admin_groups) {
            Role::Admin
        } else if has(&self.settings.operator_groups) {
            Role::Operator
        } else {
            Role::Viewer
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sign_in() -> ProxySignIn {
        let settings = ProxySettings {
            admin_groups: vec!["docker admins".into(), "root".into()],
            operator_groups: vec!["ops".into()],
            ..ProxySettings::default()
        };
        ProxySignIn::new(settings, Arc::new(TrustedProxies::new(&["10.0.0.0/8".into()]).unwrap()))
    }

    fn caller(peer: &str, headers: &[(&'static str, &str)]) -> Option<(String, Role)> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        let peer = peer.parse().unwrap();
        sign_in().caller(&map, peer, peer).map(|it| (it.name().to_owned(), it.role()))
    }

    #[test]
    fn only_trusted_proxies_name_the_user() {
        let anna = [("remote-user", "anna"), ("remote-groups", "root")];
        assert_eq!(caller("10.1.2.3", &anna), Some(("anna".into(), Role::Admin)));
        assert_eq!(caller("::ffff:10.1.2.3", &anna), Some(("anna".into(), Role::Admin)));
        for peer in ["127.0.0.1", "192.0.2.1", "::1"] {
            assert_eq!(caller(peer, &anna), None, "{peer}");
        }
        for headers in [
            &[][..],
            &[("remote-user", "")],
            &[("remote-user", " ")],
            &[("remote-user", "anna"), ("remote-user", "eve")],
            &[("remote-user", &"a".repeat(65))],
            &[("remote_user", "anna")],
            &[("x-remote-user", "anna")],
        ] {
            assert_eq!(caller("10.1.2.3", headers), None, "{headers:?}");
        }
    }

    #[test]
    fn groups_determine_the_role() {
        for (groups, role) in [
            ("users,root", Role::Admin),
            ("users, docker admins", Role::Admin),
            ("users|ops", Role::Operator),
            ("ops|root", Role::Admin),
            ("admins", Role::Viewer),
            ("Root", Role::Viewer),
            ("", Role::Viewer),
        ] {
            let headers = [("remote-user", "anna"), ("remote-groups", groups)];
            assert_eq!(caller("10.1.2.3", &headers).unwrap().1, role, "{groups}");
        }
        let two = [("remote-user", "eve"), ("remote-groups", "root"), ("remote-groups", "users")];
        assert_eq!(caller("10.1.2.3", &two).unwrap().1, Role::Viewer);
    }
}
