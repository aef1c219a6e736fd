//! The command line: settings → telemetry → server::run.

use clap::Parser;
use quaylight::{
    server::{
        self,
        auth::command::{self, UserCommand},
        clock::Clock,
        config::{Arguments, AuthMode, Config},
        healthcheck, telemetry,
    },
    sim,
};
use std::process::ExitCode;
use tokio::signal;

/// A real-time Docker console in the browser.
#[derive(Parser)]
#[command(name = "quaylight", version)]
struct CommandLine {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    arguments: Arguments,
    /// Serve a simulated engine with N containers, to try Quaylight without Docker
    #[arg(long, value_name = "N", num_args = 0..=1, default_missing_value = "40")]
    demo: Option<usize>,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Serve the console (default)
    Serve,
    User(UserCommand),
    /// Exit with code 0 if the running server is healthy
    Healthcheck,
    Sim(sim::command::Flags),
}

/// jemalloc returns unused memory to the system: after reading a large engine, and after closing a thousand sockets.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

#[tokio::main]
async fn main() -> ExitCode {
    let CommandLine { command, arguments, demo } = CommandLine::parse();
    if let Some(Command::Sim(flags)) = command {
        return ended(sim::command::run(flags, server::announce, asked_to_stop()).await);
    }
    let sign_in = if demo.is_some() { AuthMode::None } else { AuthMode::Password };
    let config = match Config::read(arguments, sign_in) {
        Ok(config) => config,
        Err(error) => return fail(&error.to_string()),
    };
    match command {
        Some(Command::Healthcheck) if healthcheck::is_healthy(&config).await => ExitCode::SUCCESS,
        Some(Command::Healthcheck) => ExitCode::FAILURE,
        Some(Command::User(command)) => manage_users(command, &config),
        _ => serve(config, demo).await,
    }
}

fn manage_users(command: UserCommand, config: &Config) -> ExitCode {
    let Some(data_dir) = &config.data_dir else { return fail("there is no data directory: set --data-dir") };
    match command::run(command, data_dir) {
        Ok(lines) => {
            lines.iter().for_each(|line| server::announce(line));
            ExitCode::SUCCESS
        }
        Err(error) => fail(&error.to_string()),
    }
}

async fn serve(mut config: Config, demo: Option<usize>) -> ExitCode {
    telemetry::start(config.log);
    let engine = match demo {
        None => None,
        Some(containers) => match sim::Sim::start(sim::Options::demo(containers)).await {
            Ok(engine) => Some(engine),
            Err(error) => return fail(&error.to_string()),
        },
    };
    // Events of a simulated engine are not worth keeping: its data folder is removed at the end.
    let passing = demo.as_ref().and_then(|_| tempfile::Builder::new().prefix("quaylight-demo-").tempdir().ok());
    if let Some(url) = engine.as_ref().and_then(|engine| engine.url().parse().ok()) {
        config.engine = url;
        config.data_dir = passing.as_ref().map(|folder| folder.path().to_owned());
    }
    tracing::info!(%config, "starting");
    let listener = match server::http::listen(config.listen) {
        Ok(listener) => listener,
        Err(error) => return fail(&format!("can't listen on {}: {error}", config.listen)),
    };
    let address = listener.local_addr().unwrap_or(config.listen);
    server::announce(&format!("Quaylight is serving {}", config.url(address)));
    ended(server::run(listener, &config, Clock::SYSTEM, asked_to_stop()).await)
}

async fn asked_to_stop() {
    let mut terminate = match signal::unix::signal(signal::unix::SignalKind::terminate()) {
        Ok(terminate) => terminate,
        Err(error) => return tracing::error!(%error, "can't listen for signals"),
    };
    tokio::select! {
        _ = signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}

fn ended(outcome: std::io::Result<()>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error.to_string()),
    }
}

fn fail(reason: &str) -> ExitCode {
    eprintln!("quaylight: {reason}");
    ExitCode::FAILURE
}
