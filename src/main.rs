//! The command line: settings → telemetry → server::run.

use clap::Parser;
use quaylight::server::{
    self,
    clock::Clock,
    config::{Arguments, Command, Config},
    healthcheck, telemetry,
};
use std::process::ExitCode;
use tokio::{net::TcpListener, signal};

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let command = arguments.command.unwrap_or(Command::Serve);
    let config = match Config::read(arguments) {
        Ok(config) => config,
        Err(error) => return fail(&error.to_string()),
    };
    match command {
        Command::Serve => serve(config).await,
        Command::Healthcheck if healthcheck::is_healthy(&config).await => ExitCode::SUCCESS,
        Command::Healthcheck => ExitCode::FAILURE,
    }
}

async fn serve(config: Config) -> ExitCode {
    telemetry::start(config.log);
    tracing::info!(%config, "starting");
    let listener = match TcpListener::bind(config.listen).await {
        Ok(listener) => listener,
        Err(error) => return fail(&format!("can't listen on {}: {error}", config.listen)),
    };
    let address = listener.local_addr().unwrap_or(config.listen);
    announce(&format!("Quaylight is serving http://{address}{}", config.base_path));
    match server::run(listener, &config, Clock::SYSTEM, asked_to_stop()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error.to_string()),
    }
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

/// The line that people and scripts wait for.
#[allow(clippy::print_stdout)]
fn announce(line: &str) {
    println!("{line}");
}

fn fail(reason: &str) -> ExitCode {
    eprintln!("quaylight: {reason}");
    ExitCode::FAILURE
}
