//! `orrery grid`: where the grids of a running server are, what they cost, and how to change it.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::operator::{Operator, OperatorArgs};
use crate::config::Config;

/// How long a change may take: its shard tries for 10 s, and shows its grids twice a second.
const PATIENCE: Duration = Duration::from_secs(12);
/// Between two looks at the list.
const LOOK: Duration = Duration::from_millis(200);

const AFTER_HELP: &str = "\
A grid is a region of space, stepped by its home shard, one core. Players keep their connection
whatever is done here, and no result depends on it.

  orrery grid list --busy            who plays where, and what it costs
  orrery grid move 7 1               relieve a shard: grid 7 goes to shard 1
  orrery grid split 7 2              a battle: two shards step grid 7 together
  orrery grid split 7 1 --slices 4   one shard, in four slices between which others get their turn
  orrery grid merge 7                one shard is enough again
  orrery grid pace 7 500             its time runs at half speed
  orrery grid pace 7 auto            its time runs as fast as its cost allows, as usual
  orrery grid fault 7                it fails and is restored (where server.allow_faults is set)

The balancer moves, splits and merges by itself and may change what was done here; turn it off with
balance.enabled = false. The server must run; address and key are those of the configuration.";

/// Grids of a running server.
#[derive(Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct GridArgs {
    #[command(flatten)]
    operator: OperatorArgs,
    /// Print JSON instead of words and tables.
    #[arg(long, global = true)]
    json: bool,
    /// Ask, and do not wait until the server shows that it is done.
    #[arg(long, global = true)]
    no_wait: bool,
    #[command(subcommand)]
    command: GridCommand,
}

/// What to do.
#[derive(Subcommand)]
enum GridCommand {
    /// Show the grids: home shard, members, cost of a beat, speed of time, entities, clients.
    List {
        /// Only those that somebody plays on, that several shards step, or whose time is not at
        /// full speed.
        #[arg(long)]
        busy: bool,
    },
    /// Move a grid to another shard.
    Move {
        /// The grid's number.
        grid: u32,
        /// The shard's number, from 0.
        shard: u16,
    },
    /// Have several shards step a grid together.
    Split {
        /// The grid's number.
        grid: u32,
        /// How many shards, its home included.
        #[arg(value_parser = clap::value_parser!(u16).range(1..))]
        members: u16,
        /// Parts of each of them: when time runs slower, other grids have their turn in between.
        #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
        slices: u16,
    },
    /// Have one shard step a grid again.
    Merge {
        /// The grid's number.
        grid: u32,
    },
    /// Fix how fast a grid's time runs, or leave it to the server again.
    Pace {
        /// The grid's number.
        grid: u32,
        /// Thousandths of real time, 100 to 1000, or `auto`.
        #[arg(value_name = "PER_MILLE|auto", value_parser = pace)]
        pace: Pace,
    },
    /// Make a grid fail, to see it restored. Only where `server.allow_faults` is set.
    Fault {
        /// The grid's number.
        grid: u32,
    },
}

/// How fast a grid's time runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Pace {
    /// As its cost allows.
    Auto,
    /// So many thousandths of real time.
    Fixed(u16),
}

fn pace(text: &str) -> Result<Pace, String> {
    if text == "auto" {
        return Ok(Pace::Auto);
    }
    match text.parse() {
        Ok(pace @ 100..=1_000) => Ok(Pace::Fixed(pace)),
        _ => Err("it is `auto` or a number from 100 to 1000".to_owned()),
    }
}

/// A line of the server's list.
#[derive(Clone, Debug, Deserialize, Serialize)]
struct Row {
    grid: u32,
    system: String,
    shard: u16,
    members: u16,
    cost_ms: f64,
    dilation: f64,
    entities: u32,
    clients: u32,
}

#[derive(Deserialize)]
struct List {
    grids: Vec<Row>,
}

/// What is asked of the server, and how it looks once it is done.
struct Wish {
    grid: u32,
    verb: &'static str,
    body: Value,
    /// In words, for people.
    done: String,
    is_done: Box<dyn Fn(&Row) -> bool>,
}

pub(super) fn run(config: &Config, args: &GridArgs) -> anyhow::Result<ExitCode> {
    let operator = args.operator.operator(config)?;
    let wish = match &args.command {
        GridCommand::List { busy } => {
            show(&operator, *busy, args.json)?;
            return Ok(ExitCode::SUCCESS);
        }
        change => wish(change).context("understand what to do")?,
    };
    let path = format!("/admin/v1/grids/{}/{}", wish.grid, wish.verb);
    let asked: Value = operator
        .rest
        .post(&path, Some(&operator.key), &wish.body)
        .with_context(|| format!("{} grid {}", wish.verb, wish.grid))?;
    let seen = if args.no_wait {
        None
    } else {
        Some(wait_for(&operator, &wish)?)
    };
    let text = match (args.json, &seen) {
        (true, Some(row)) => serde_json::to_string(row)?,
        (true, None) => asked.to_string(),
        (false, Some(_)) => format!("grid {} {}", wish.grid, wish.done),
        (false, None) => format!("grid {}: its shard {} was asked", wish.grid, asked["shard"]),
    };
    super::print(&format!("{text}\n"))?;
    Ok(ExitCode::SUCCESS)
}

impl Wish {
    fn new(
        grid: u32,
        verb: &'static str,
        body: Value,
        done: String,
        is_done: impl Fn(&Row) -> bool + 'static,
    ) -> Self {
        let is_done = Box::new(is_done);
        Self {
            grid,
            verb,
            body,
            done,
            is_done,
        }
    }
}

/// What a change asks of the server; `None` for what changes nothing.
fn wish(command: &GridCommand) -> Option<Wish> {
    Some(match *command {
        GridCommand::List { .. } => return None,
        GridCommand::Move { grid, shard } => {
            let is_there = move |row: &Row| row.shard == shard;
            let done = format!("is at home on shard {shard}");
            Wish::new(grid, "move", json!({ "shard": shard }), done, is_there)
        }
        GridCommand::Split {
            grid,
            members,
            slices,
        } => {
            let is_split = move |row: &Row| row.members == members;
            let done = format!("is stepped by {members} shards in {slices} slices each");
            let body = json!({ "members": members, "slices": slices });
            Wish::new(grid, "split", body, done, is_split)
        }
        GridCommand::Merge { grid } => {
            let done = "is stepped by one shard".to_owned();
            Wish::new(grid, "merge", json!({}), done, |row| row.members == 1)
        }
        GridCommand::Pace { grid, pace } => wish_for_pace(grid, pace),
        GridCommand::Fault { grid } => {
            let done = "was made to fail; the server's log says when it is back".to_owned();
            Wish::new(grid, "fault", json!({}), done, |_| true)
        }
    })
}

fn wish_for_pace(grid: u32, pace: Pace) -> Wish {
    let per_mille = match pace {
        Pace::Auto => None,
        Pace::Fixed(pace) => Some(pace),
    };
    let has_pace = move |row: &Row| {
        per_mille.is_none_or(|pace| (row.dilation * 1e3).round() == f64::from(pace))
    };
    let done = per_mille.map_or_else(
        || "has its time run as fast as its cost allows".to_owned(),
        |pace| {
            format!(
                "has its time run at {} % of real time",
                f64::from(pace) / 10.0
            )
        },
    );
    let body = json!({ "per_mille": per_mille });
    Wish::new(grid, "pace", body, done, has_pace)
}

fn list(operator: &Operator) -> anyhow::Result<Vec<Row>> {
    let list: List = operator
        .rest
        .get("/admin/v1/grids", Some(&operator.key))
        .context("ask for the grids")?;
    Ok(list.grids)
}

/// Looks at the list until the wish has come true.
fn wait_for(operator: &Operator, wish: &Wish) -> anyhow::Result<Row> {
    let since = Instant::now();
    loop {
        let rows = list(operator)?;
        let row = rows.into_iter().find(|row| row.grid == wish.grid);
        if let Some(row) = row.filter(|row| (wish.is_done)(row)) {
            return Ok(row);
        }
        if since.elapsed() > PATIENCE {
            bail!(
                "{} grid {}: the server was asked, and does not show it within {} s; its log says more",
                wish.verb,
                wish.grid,
                PATIENCE.as_secs()
            );
        }
        std::thread::sleep(LOOK);
    }
}

fn show(operator: &Operator, busy: bool, json: bool) -> anyhow::Result<()> {
    let mut rows = list(operator)?;
    if busy {
        rows.retain(|row| row.clients > 0 || row.members != 1 || row.dilation < 1.0);
    }
    if json {
        let text = serde_json::to_string_pretty(&rows)?;
        return super::print(&format!("{text}\n"));
    }
    super::print(&table(&rows))
}

fn table(rows: &[Row]) -> String {
    let names = rows.iter().map(|row| row.system.chars().count());
    let width = names.max().unwrap_or(0).max("system".len());
    let mut text = format!(
        "{:>9}  {:<width$}  {:>5}  {:>7}  {:>9}  {:>7}  {:>8}  {:>7}\n",
        "grid", "system", "shard", "members", "beat", "time", "entities", "clients"
    );
    for row in rows {
        let members = match row.members {
            0 => "lost".to_owned(),
            members => members.to_string(),
        };
        text.push_str(&format!(
            "{:>9}  {:<width$}  {:>5}  {members:>7}  {:>6.3} ms  {:>5.1} %  {:>8}  {:>7}\n",
            row.grid,
            row.system,
            row.shard,
            row.cost_ms,
            row.dilation * 100.0,
            row.entities,
            row.clients,
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(members: u16) -> Row {
        Row {
            grid: 7,
            system: "Ümlaut".to_owned(),
            shard: 1,
            members,
            cost_ms: 1.5,
            dilation: 0.5,
            entities: 40,
            clients: 12,
        }
    }

    #[test]
    fn paces_are_numbers_in_range_or_auto() {
        assert_eq!(pace("auto"), Ok(Pace::Auto));
        assert_eq!(pace("100"), Ok(Pace::Fixed(100)));
        assert_eq!(pace("1000"), Ok(Pace::Fixed(1_000)));
        for wrong in ["99", "1001", "-1", "", "half", "500.0"] {
            assert!(pace(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_table_is_aligned_and_names_what_is_lost() {
        let text = table(&[row(2), row(0)]);
        let widths: Vec<_> = text.lines().map(|line| line.chars().count()).collect();
        assert_eq!(widths, [widths[0]; 3], "{text}");
        assert!(
            text.contains("1.500 ms") && text.contains("50.0 %"),
            "{text}"
        );
        assert!(
            text.lines()
                .nth(2)
                .is_some_and(|line| line.contains("lost"))
        );
    }

    #[test]
    fn a_wish_knows_when_it_has_come_true() {
        let wish = |command| wish(&command).expect("it changes something");
        let split = wish(GridCommand::Split {
            grid: 7,
            members: 2,
            slices: 4,
        });
        assert_eq!(split.body, json!({"members": 2, "slices": 4}));
        assert!((split.is_done)(&row(2)) && !(split.is_done)(&row(1)));
        let merge = wish(GridCommand::Merge { grid: 7 });
        assert!((merge.is_done)(&row(1)) && !(merge.is_done)(&row(2)));
        let away = wish(GridCommand::Move { grid: 7, shard: 0 });
        assert!(!(away.is_done)(&row(1)), "it is on shard 1 still");
        let half = wish(GridCommand::Pace {
            grid: 7,
            pace: Pace::Fixed(500),
        });
        assert!((half.is_done)(&row(1)));
        let auto = wish(GridCommand::Pace {
            grid: 7,
            pace: Pace::Auto,
        });
        assert_eq!(auto.body, json!({"per_mille": null}));
        assert!((auto.is_done)(&row(1)));
    }
}
