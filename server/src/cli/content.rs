//! `orrery content`: compile a content pack, inspect one.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Subcommand;
use orrery_game::content::{self, Content};

use crate::config::Config;

/// What to do with content.
#[derive(Subcommand)]
pub(super) enum ContentCommand {
    /// Compile a folder of TOML files to one pack; a mistake is reported as file, line, reason.
    Compile {
        /// The folder with the TOML files.
        #[arg(long, default_value = "content")]
        source: PathBuf,
        /// The pack to write; `content.pack` in the data folder if not given.
        #[arg(long)]
        out: Option<PathBuf>,
    },
    /// Show what is in a pack.
    Show {
        /// The pack; `content.pack` in the data folder if not given.
        pack: Option<PathBuf>,
    },
    /// Draw the icon of every item, to look at: one SVG file per type.
    Icons {
        /// The pack; `content.pack` in the data folder if not given.
        pack: Option<PathBuf>,
        /// The folder to write to.
        #[arg(long, default_value = "icons")]
        out: PathBuf,
    },
}

pub(super) fn run(config: &Config, command: &ContentCommand) -> anyhow::Result<ExitCode> {
    let default = || crate::host::folder::pack_path(&config.server.data);
    match command {
        ContentCommand::Compile { source, out } => {
            let path = out.clone().unwrap_or_else(default);
            let pack = content::compile(source)?;
            if let Some(folder) = path
                .parent()
                .filter(|folder| !folder.as_os_str().is_empty())
            {
                std::fs::create_dir_all(folder)
                    .with_context(|| format!("create {}", folder.display()))?;
            }
            pack.write(&path)
                .with_context(|| format!("write {}", path.display()))?;
            println!("{}: content {:016x}", path.display(), pack.hash());
        }
        ContentCommand::Show { pack } => show(&pack.clone().unwrap_or_else(default))?,
        ContentCommand::Icons { pack, out } => {
            icons(&pack.clone().unwrap_or_else(default), out)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn icons(path: &Path, folder: &Path) -> anyhow::Result<()> {
    let content = Content::open(path).with_context(|| format!("open {}", path.display()))?;
    std::fs::create_dir_all(folder).with_context(|| format!("create {}", folder.display()))?;
    for item in content.items() {
        let file = folder.join(format!("{}.svg", item.id));
        std::fs::write(&file, content::icon_svg(item))
            .with_context(|| format!("write {}", file.display()))?;
    }
    println!("{}: {} icons", folder.display(), content.items().len());
    Ok(())
}

fn show(path: &Path) -> anyhow::Result<()> {
    let content = Content::open(path).with_context(|| format!("open {}", path.display()))?;
    println!("content {:016x}", content.hash());
    println!(
        "\n{:>6}  {:<24} {:<14} {:>10} {:>8} {:>7}",
        "type", "hull", "empire", "mass t", "m/s", "align s"
    );
    for ship in content.ships() {
        let law = content
            .law(ship.id, false)
            .context("every hull has a law")?;
        let align_s = -orrery_base::math::ln(0.25) * law.tau_s;
        let empire = content
            .empire(ship.empire)
            .map_or("nobody", |empire| empire.name.as_str());
        println!(
            "{:>6}  {:<24} {:<14} {:>10.0} {:>8.0} {:>7.1}",
            ship.id,
            ship.name,
            empire,
            law.mass_kg / 1_000.0,
            orrery_base::motion::velocity_to_m_per_s(law.max_speed),
            align_s
        );
    }
    println!(
        "\n{} stations, {} gates",
        content.stations().len(),
        content.gates().len()
    );
    show_items(&content);
    show_economy(&content);
    Ok(())
}

/// A group after the other, in the order of a market's shelves.
fn show_items(content: &Content) {
    for group in content.groups() {
        println!(
            "\n{:>6}  {:<24} {:>14} {:>20}",
            "type",
            group.name,
            "m³",
            content.economy().currency
        );
        for item in content.items().iter().filter(|it| it.group == group.key) {
            println!(
                "{:>6}  {:<24} {:>10}.{:03} {:>20}{}",
                item.id,
                item.name,
                item.volume_l / 1_000,
                item.volume_l % 1_000,
                item.base_price.to_string(),
                if item.is_marketable {
                    ""
                } else {
                    "  not on markets"
                }
            );
        }
    }
}

fn show_economy(content: &Content) {
    let market = content.market();
    let percent = |bp: u16| format!("{}.{:02} %", bp / 100, bp % 100);
    println!(
        "\nbroker {}, at least {}; sales tax {}; relisting {} of the broker's fee",
        percent(market.broker_fee_bp),
        market.fee_min,
        percent(market.sales_tax_bp),
        percent(market.relist_share_bp)
    );
    println!(
        "newcomers: {} {}",
        content.economy().grant_money,
        content.economy().currency
    );
    for &(id, quantity) in content.grant() {
        println!("{quantity:>8} × {}", content.name(id).unwrap_or("?"));
    }
    for (title, taps) in [("faucets", content.faucets()), ("sinks", content.sinks())] {
        let taps: Vec<String> = taps
            .iter()
            .map(|tap| format!("{} {}", tap.id, tap.key))
            .collect();
        println!("{title}: {}", taps.join(", "));
    }
}
