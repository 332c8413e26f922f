//! `vitalog`: one binary that does all of it, and the only place where its parts meet.

#[macro_use]
mod output;

mod accounting;
mod backup;
mod cli;
mod commands;
mod demo;
mod doctor;
mod failure;
mod files;
mod logging;
mod metrics;
mod offline;
mod quotas;
mod run;
mod server;
mod traces;
mod trimming;

/// Threads free what others made; of that glibc's own keeps much for each thread.
#[cfg(unix)]
#[global_allocator]
static MEMORY: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

use std::process::ExitCode;

use clap::Parser;

use cli::{Cli, Command};
use commands::{
    audit, backtest, backup as backing, bench, check, demo as demonstration, doctor as doctor_of, erase, explain, export, fmt,
    hold, ingest, keys, letters, lsp, metering, moving, openapi, receipt, rules, serve, sql, tenant, test, token, trim, user,
    why,
};

fn main() -> ExitCode {
    let cli = Cli::parse();
    logging::begin(cli.log);
    let done = match &cli.command {
        Command::Demo(args) => demonstration::run(args),
        Command::Serve(args) => serve::run(args),
        Command::Check(args) => check::run(args),
        Command::Explain(args) => explain::run(args),
        Command::Fmt(args) => fmt::run(args),
        Command::Lsp(_) => lsp::run(),
        Command::Test(args) => test::run(args),
        Command::Backtest(args) => backtest::run(args),
        Command::Bench(args) => bench::run(args),
        Command::Rules(args) => rules::run(args),
        Command::Why(args) => why::run(args),
        Command::Ingest(args) => ingest::run(args),
        Command::Letters(args) => letters::run(args),
        Command::Move(args) => moving::run(args),
        Command::Sql(args) => sql::run(args),
        Command::Export(args) => export::run(args),
        Command::Openapi => {
            openapi::run();
            Ok(())
        }
        Command::User(args) => user::run(args),
        Command::Token(args) => token::run(args),
        Command::Tenant(args) => tenant::run(args),
        Command::Metering(args) => metering::run(args),
        Command::Audit(args) => audit::run(args),
        Command::Doctor(args) => doctor_of::run(args),
        Command::Receipt(args) => receipt::run(args),
        Command::Trim(args) => trim::run(args),
        Command::Backup(args) => backing::run(args),
        Command::Restore(args) => backing::restored(args),
        Command::Erase(args) => erase::run(args),
        Command::Hold(args) => hold::run(args),
        Command::Keys(args) => keys::run(args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::from(failure.status)
        }
    }
}
