//! `orrery bots`: a swarm against a running server, and what it experiences.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use clap::Args;
use clap::builder::PossibleValuesParser;
use orrery_client::bots::{Behaviour, Report, SwarmConfig, SwarmEvent, swarm};
use orrery_client::connection::Fingerprint;
use orrery_client::player::Ticket;
use orrery_client::rest::{BotTokens, Rest};
use orrery_game::content::Content;

use super::operator::{Operator, OperatorArgs};
use crate::config::Config;

/// Bots that are asked for at once.
const BATCH: u32 = 200;

/// The swarm.
#[derive(Args)]
pub(super) struct BotsArgs {
    /// How many.
    #[arg(long, default_value_t = 100)]
    count: u32,
    /// What they do: fly about; trade: a hauler's rounds by gates and stations; fight: chase and
    /// circle other ships; mixed: a third each; idle.
    #[arg(long, default_value = "fly", value_parser = PossibleValuesParser::new(names()))]
    behaviour: String,
    #[command(flatten)]
    operator: OperatorArgs,
    /// Play so long, in seconds, once all have arrived; without it until Ctrl-C.
    #[arg(long, value_name = "SECONDS")]
    seconds: Option<u64>,
    /// Seconds between the last arrival and the first figure.
    #[arg(long, default_value_t = 2, value_name = "SECONDS")]
    warm_up: u64,
    /// Decides what the bots decide.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Names begin with this.
    #[arg(long, default_value = "Bot")]
    prefix: String,
    /// Also write the report as JSON here.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Say nothing but errors.
    #[arg(long)]
    quiet: bool,
}

fn names() -> impl Iterator<Item = &'static str> {
    Behaviour::NAMES.iter().map(|(name, _)| *name)
}

pub(super) fn run(config: &Config, args: &BotsArgs) -> anyhow::Result<ExitCode> {
    ensure!(args.count > 0, "a swarm of no bots has nothing to do");
    let Operator { rest, key } = args.operator.operator(config)?;
    let content = rest.content().context("get the server's content pack")?;
    let tickets = tickets(&rest, &key, args, &content)?;
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        signal_hook::flag::register_conditional_shutdown(signal, 130, Arc::clone(&stop))?;
        signal_hook::flag::register(signal, Arc::clone(&stop))?;
    }
    let swarm_config = SwarmConfig {
        behaviour: behaviour(&args.behaviour)?,
        seed: args.seed,
        duration: args.seconds.map(Duration::from_secs),
        warm_up: Duration::from_secs(args.warm_up),
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("start tokio")?;
    let (quiet, count) = (args.quiet, args.count);
    let mut arrived = 0;
    let report = runtime.block_on(swarm(
        tickets,
        Arc::new(content),
        swarm_config,
        stop,
        |event| match event {
            SwarmEvent::Arrived => {
                arrived += 1;
                if !quiet && (arrived == count || arrived % 100 == 0) {
                    println!("{arrived} of {count} bots play");
                }
            }
            SwarmEvent::Gone { bot, reason } => tracing::warn!(bot, reason, "bot is gone"),
            SwarmEvent::Measuring if !quiet => println!("measuring"),
            SwarmEvent::Measuring => {}
        },
    ))?;
    if let Some(path) = &args.report {
        let mut json = serde_json::to_string_pretty(&report).context("write the report")?;
        json.push('\n');
        std::fs::write(path, json).with_context(|| format!("write {}", path.display()))?;
    }
    if !quiet {
        print!("{}", table(&report));
    }
    Ok(if report.failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn behaviour(name: &str) -> anyhow::Result<Behaviour> {
    match Behaviour::NAMES.iter().find(|(known, _)| *known == name) {
        Some((_, behaviour)) => Ok(*behaviour),
        None => bail!("there is no behaviour {name:?}"),
    }
}

/// Accounts, characters and tokens for all bots. Bots of an earlier swarm of the same prefix are
/// used again.
fn tickets(
    rest: &Rest,
    key: &str,
    args: &BotsArgs,
    content: &Content,
) -> anyhow::Result<Vec<Ticket>> {
    let mut tickets = Vec::with_capacity(args.count as usize);
    let mut first = 0;
    while first < args.count {
        let count = BATCH.min(args.count - first);
        let batch: BotTokens = rest
            .bots(key, &args.prefix, first, count)
            .context("ask for bots")?;
        let address = *batch
            .quic
            .first()
            .context("the server names no address for the game")?;
        let fingerprint = Fingerprint::from_hex(&batch.certificate_sha256)?;
        for bot in batch.bots {
            let content_hash = content.hash();
            tickets.push(Ticket {
                token: bot.token,
                address,
                fingerprint,
                content_hash,
            });
        }
        first += count;
        if !args.quiet {
            println!("{first} of {} bots have a token", args.count);
        }
    }
    Ok(tickets)
}

fn table(report: &Report) -> String {
    let rows = [
        (
            "bots",
            format!(
                "{} of {} played, {} failed",
                report.arrived, report.bots, report.failed
            ),
        ),
        ("measured", format!("{:.1} s", report.seconds)),
        (
            "round trip",
            format!(
                "p50 {:.2} ms, p99 {:.2} ms",
                report.rtt_ms.p50, report.rtt_ms.p99
            ),
        ),
        (
            "loss",
            format!("{:.3} % of packets", report.loss_ratio * 1e2),
        ),
        (
            "snapshots",
            format!(
                "{:.1}/s each, {:.1} entities in sight",
                report.snapshots_per_s, report.visible
            ),
        ),
        (
            "unusable",
            format!(
                "{:.3} %, {} broken",
                report.unusable_ratio * 1e2,
                report.broken_snapshots
            ),
        ),
        (
            "received",
            format!("{:.0} bytes/s each", report.bytes_in_per_s),
        ),
        (
            "sent",
            format!("{:.0} bytes/s each", report.bytes_out_per_s),
        ),
        (
            "commands",
            format!(
                "{:.2}/s each, {:.1} % refused",
                report.answers_per_s,
                report.reject_ratio * 1e2
            ),
        ),
        (
            "correction",
            format!(
                "p50 {:.0} cm, p99 {:.0} cm",
                report.correction_cm.p50, report.correction_cm.p99
            ),
        ),
    ];
    let mut text = String::new();
    for (name, value) in rows {
        text.push_str(&format!("{name:>12}  {value}\n"));
    }
    for error in &report.errors {
        text.push_str(&format!("{:>12}  {error}\n", "error"));
    }
    text
}
