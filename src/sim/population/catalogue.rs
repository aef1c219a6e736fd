//! Which services and projects does a plausible machine run?

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Publishes its port.
    Web,
    /// Runs in several copies.
    Worker,
    Other,
}

pub struct Service {
    pub name: &'static str,
    pub image: &'static str,
    pub megabytes: u64,
    pub kind: Kind,
    pub port: Option<u16>,
    /// Where its volume is mounted.
    pub data: Option<&'static str>,
    pub health: Option<&'static str>,
    pub command: &'static str,
}

const fn service(name: &'static str, image: &'static str, megabytes: u64, command: &'static str) -> Service {
    Service { name, image, megabytes, kind: Kind::Other, port: None, data: None, health: None, command }
}

pub const SERVICES: [Service; 16] = [
    Service {
        kind: Kind::Web,
        port: Some(80),
        health: Some("curl -f http://localhost/"),
        ..service("web", "nginx:1.27-alpine", 48, "/docker-entrypoint.sh nginx -g daemon off;")
    },
    Service {
        kind: Kind::Web,
        port: Some(8080),
        health: Some("wget -qO- http://localhost:8080/health"),
        ..service("api", "registry.example.com/shop/api:2.14.0", 312, "/app/api --listen :8080")
    },
    Service {
        port: Some(5432),
        data: Some("/var/lib/postgresql/data"),
        health: Some("pg_isready -U postgres"),
        ..service("db", "postgres:16.4", 432, "docker-entrypoint.sh postgres")
    },
    Service {
        port: Some(6379),
        data: Some("/data"),
        health: Some("redis-cli ping"),
        ..service("cache", "redis:7.4-alpine", 41, "docker-entrypoint.sh redis-server")
    },
    Service {
        kind: Kind::Worker,
        ..service("worker", "registry.example.com/shop/worker:2.14.0", 298, "/app/worker --queue default")
    },
    service("scheduler", "registry.example.com/shop/worker:2.13.2", 297, "/app/worker --schedule"),
    Service {
        port: Some(5672),
        data: Some("/var/lib/rabbitmq"),
        health: Some("rabbitmq-diagnostics -q ping"),
        ..service("queue", "rabbitmq:3.13-management", 256, "docker-entrypoint.sh rabbitmq-server")
    },
    Service {
        kind: Kind::Web,
        port: Some(443),
        data: Some("/data"),
        ..service("proxy", "caddy:2.8", 50, "caddy run --config /etc/caddy/Caddyfile")
    },
    Service {
        kind: Kind::Web,
        port: Some(3000),
        data: Some("/var/lib/grafana"),
        ..service("grafana", "grafana/grafana:11.2.0", 453, "/run.sh")
    },
    Service {
        port: Some(9090),
        data: Some("/prometheus"),
        ..service(
            "prometheus",
            "prom/prometheus:v2.54.1",
            271,
            "/bin/prometheus --config.file=/etc/prometheus/prometheus.yml",
        )
    },
    Service {
        port: Some(9200),
        data: Some("/usr/share/elasticsearch/data"),
        health: Some("curl -s http://localhost:9200/_cluster/health"),
        ..service("search", "elasticsearch:8.15.1", 1260, "/bin/tini -- /usr/local/bin/docker-entrypoint.sh eswrapper")
    },
    Service {
        port: Some(9000),
        data: Some("/data"),
        ..service("storage", "minio/minio:RELEASE.2024-09-13", 164, "/usr/bin/docker-entrypoint.sh server /data")
    },
    Service {
        port: Some(3306),
        data: Some("/var/lib/mysql"),
        health: Some("mysqladmin ping -h localhost"),
        ..service("mysql", "mariadb:11.5", 406, "docker-entrypoint.sh mariadbd")
    },
    Service { port: Some(1025), ..service("mail", "axllent/mailpit:v1.20", 29, "/mailpit") },
    service("migrate", "registry.example.com/shop/api:2.13.2", 311, "/app/api migrate"),
    Service { data: Some("/backup"), ..service("backup", "restic/restic:0.17.1", 63, "restic backup /data") },
];

pub const PROJECTS: [&str; 14] = [
    "shop",
    "blog",
    "monitoring",
    "wiki",
    "photos",
    "paperless",
    "gitea",
    "home",
    "billing",
    "crm",
    "chat",
    "forum",
    "analytics",
    "tickets",
];
