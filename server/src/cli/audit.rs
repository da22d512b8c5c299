//! `orrery audit`: prove that a stopped store is sound.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use orrery_game::content::Content;
use orrery_services::custody::Commodity;
use orrery_services::custody::audit::{Report, Sum};
use orrery_storage::{Store, StoreOptions};

use super::table::{Align, table};
use crate::config::Config;
use crate::host::backup::Proof;
use crate::host::folder;

/// Most commodities that are listed; the rest is counted.
const COMMODITIES_MAX: usize = 40;

/// Which store to audit.
#[derive(Args)]
pub(super) struct AuditArgs {
    /// The data folder.
    #[arg(long)]
    data: Option<PathBuf>,
}

/// What there is of value, then the structure (schema, beats, journal, checkpoints), then the
/// meaning of the rows.
pub(super) fn run(config: &Config, args: &AuditArgs) -> anyhow::Result<ExitCode> {
    let data = args.data.as_ref().unwrap_or(&config.server.data);
    let options = StoreOptions {
        create: false,
        read_only: true,
        ..StoreOptions::default()
    };
    let store = Store::open(folder::store_path(data), &options)?;
    let proof = Proof::of(&store)?;
    // Without a pack things have numbers instead of names.
    let content = folder::open_content(data).ok();
    super::print(&value(&proof.rows().custody, content.as_ref()))?;
    super::print(&proof.to_string())?;
    Ok(if proof.is_sound() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// What there is of value: money, then what does not add up, then the rest by number.
fn value(report: &Report, content: Option<&Content>) -> String {
    let Report {
        accounts,
        stacks,
        parcels,
        ..
    } = report;
    let mut text =
        format!("value: {accounts} accounts, {stacks} stacks, {parcels} parcels in flight\n");
    if report.sums.is_empty() {
        return text;
    }
    let mut sums: Vec<(Commodity, Sum)> = report.sums.iter().map(|(&of, &sum)| (of, sum)).collect();
    sums.sort_by_key(|&(of, sum)| (of != Commodity::Coin, sum.excess() == 0, of));
    let rest = sums.split_off(sums.len().min(COMMODITIES_MAX));
    let rows: Vec<_> = sums
        .iter()
        .map(|(of, sum)| row(*of, sum, content))
        .collect();
    let columns = [
        ("commodity", Align::Left),
        ("minted", Align::Right),
        ("burned", Align::Right),
        ("held", Align::Right),
        ("in flight", Align::Right),
        ("difference", Align::Right),
    ];
    text.push_str(&table(&columns, &rows));
    if !rest.is_empty() {
        let wrong = rest.iter().filter(|(_, sum)| sum.excess() != 0).count();
        let count = rest.len();
        text.push_str(&format!(
            "and {count} more commodities, {wrong} of which do not add up\n"
        ));
    }
    text
}

fn row(commodity: Commodity, sum: &Sum, content: Option<&Content>) -> Vec<String> {
    let name = match commodity {
        Commodity::Coin => "money".to_owned(),
        Commodity::Type(type_id) => {
            let item = content.and_then(|content| content.item(type_id));
            item.map_or_else(|| format!("type {type_id}"), |item| item.name.clone())
        }
    };
    let amount = |number: u128| match commodity {
        Commodity::Coin => format!("{}.{:02}", number / 100, number % 100),
        Commodity::Type(_) => number.to_string(),
    };
    let excess = sum.excess();
    let sign = match excess {
        0 => "",
        1.. => "+",
        _ => "-",
    };
    vec![
        name,
        amount(sum.minted),
        amount(sum.burned),
        amount(sum.held),
        amount(sum.in_flight),
        format!("{sign}{}", amount(excess.unsigned_abs())),
    ]
}

#[cfg(test)]
mod tests {
    use orrery_base::TypeId;

    use super::*;

    fn sum(minted: u128, burned: u128, held: u128, in_flight: u128) -> Sum {
        Sum {
            minted,
            burned,
            held,
            in_flight,
        }
    }

    #[test]
    fn money_comes_first_then_what_is_wrong_and_long_lists_are_cut() {
        let mut report = Report::default();
        let sums = &mut report.sums;
        sums.insert(Commodity::Coin, sum(100_050, 50, 99_000, 1_000));
        for type_id in 1..=60 {
            let held = if type_id == 50 { 9 } else { 7 };
            sums.insert(Commodity::Type(TypeId(type_id)), sum(7, 0, held, 0));
        }
        let text = value(&report, None);
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines[0], "value: 0 accounts, 0 stacks, 0 parcels in flight");
        let cells = |line: &str| -> Vec<String> {
            let cells = line.split("  ").map(str::trim);
            cells
                .filter(|cell| !cell.is_empty())
                .map(str::to_owned)
                .collect()
        };
        assert_eq!(
            cells(lines[2]),
            ["money", "1000.50", "0.50", "990.00", "10.00", "0.00"]
        );
        assert_eq!(cells(lines[3]), ["type 50", "7", "0", "9", "0", "+2"]);
        assert_eq!(cells(lines[4])[0], "type 1");
        let cut = "and 21 more commodities, 0 of which do not add up";
        assert_eq!(lines.last(), Some(&cut));
        assert_eq!(lines.len(), COMMODITIES_MAX + 3);
        assert_eq!(value(&Report::default(), None).lines().count(), 1);
    }
}
