//! `orrery custody`: what became of money and things, from the newest transfer backwards.
//!
//! Changes no file, so it may look on beside a running server; what that has not written yet is
//! not seen.

mod show;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, bail, ensure};
use clap::{Args, Subcommand};
use orrery_base::CharacterId;
use orrery_base::value::ItemId;
use orrery_services::custody::history::{self, Page};
use orrery_services::custody::{
    self, Account, AccountKind, EntryRef, Stored, home_of, place_of, read_head, read_stack,
    stacks_after,
};
use orrery_services::economy;
use orrery_storage::{Store, StoreOptions};
use serde_json::{Value, json};

use super::names::{Names, spec};
use crate::config::Config;
use crate::host::folder;

/// Whose history, and how much of it.
#[derive(Args)]
pub(super) struct CustodyArgs {
    #[command(subcommand)]
    of: Of,
    /// The data folder.
    #[arg(long, global = true)]
    data: Option<PathBuf>,
    /// Most entries of the history, and most stacks of an account, to show.
    #[arg(long, global = true, default_value_t = 20)]
    limit: usize,
    /// Go on before this entry: what an earlier page has named.
    #[arg(long, global = true, value_name = "ENTRY", default_value_t = 0)]
    before: u64,
    /// Print JSON.
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Subcommand)]
enum Of {
    /// A stack or a single thing: where it is and how it came there.
    Item {
        /// Its id.
        id: u64,
    },
    /// An account: what it holds, what came and what went.
    Account {
        /// `wallet:CHARACTER`, `hangar:CHARACTER:STATION`, `cargo:CHARACTER:SHIP`,
        /// `helm:CHARACTER`, `market:ORDER`, `escrow:TRADE:CHARACTER`, `division:CORPORATION:N`,
        /// `container:ID`, `wreck:ID`, `contract:ID`. Characters and stations are ids or names.
        account: String,
    },
    /// A character: wallet, ship, hangars, holds, and what became of the money.
    Character {
        /// Name or id.
        character: String,
    },
}

/// What is looked at.
struct View<'a> {
    store: &'a Store,
    partitions: u16,
    names: Names<'a>,
    before: EntryRef,
    limit: usize,
    json: bool,
}

pub(super) fn run(config: &Config, args: &CustodyArgs) -> anyhow::Result<ExitCode> {
    let data = args.data.as_ref().unwrap_or(&config.server.data);
    let options = StoreOptions {
        create: false,
        read_only: true,
        ..StoreOptions::default()
    };
    let store = Store::open(folder::store_path(data), &options)?;
    let mut view = View {
        store: &store,
        partitions: economy::partitions(&store)?,
        names: Names::new(&store, data),
        before: EntryRef(args.before),
        limit: args.limit,
        json: args.json,
    };
    match &args.of {
        Of::Item { id } => view.item(ItemId(*id)),
        Of::Account { account } => {
            let account = view.names.parse(account)?;
            view.account(account)
        }
        Of::Character { character } => {
            let character = view.names.find_character(character)?;
            view.character(character)
        }
    }
}

impl View<'_> {
    fn item(&mut self, item: ItemId) -> anyhow::Result<ExitCode> {
        let (place, _) = place_of(self.store, item)?
            .with_context(|| format!("there never was an item {item}"))?;
        let stack = match &place {
            None => None,
            Some(account) => read_stack(self.store, account.home(self.partitions), account, item)?,
        };
        let page =
            history::item_history(self.store, self.partitions, item, self.before, self.limit)?;
        if self.json {
            let holds = stack
                .as_ref()
                .map(|stack| show::stack_json(&self.names, stack));
            let about = json!({
                "item": item.0,
                "place": place.as_ref().map(spec),
                "holds": holds,
            });
            return self.finish_json(about, &page);
        }
        let place = place.map(|account| self.names.account(&account));
        let line = match (place, &stack) {
            (None, _) => format!("item {item} is no more"),
            (Some(place), None) => format!("item {item} is on its way to {place}"),
            (Some(place), Some(stack)) => {
                let what = show::stack_text(&self.names, stack);
                format!("item {item}: {what}, {place}")
            }
        };
        super::print(&format!("{line}\n"))?;
        self.finish(&page)
    }

    fn account(&mut self, account: Account) -> anyhow::Result<ExitCode> {
        if account.is_boundary() {
            bail!("value comes into being or ends there and has no history; see `orrery audit`");
        }
        let home = account.home(self.partitions);
        let (coins, last) = read_head(self.store, home, &account)?;
        // One more, to know whether there are more.
        let most = self.limit.saturating_add(1);
        let stored = Stored {
            account,
            coins,
            last,
            stacks: stacks_after(self.store, home, &account, ItemId::NONE, most)?,
        };
        let page = self.account_page(account)?;
        if self.json {
            let about = show::account_json(&self.names, &stored, self.limit);
            return self.finish_json(about, &page);
        }
        let text = show::account(&mut self.names, &stored, self.limit);
        super::print(&text)?;
        self.finish(&page)
    }

    fn character(&mut self, character: CharacterId) -> anyhow::Result<ExitCode> {
        let home = home_of(character.0, self.partitions);
        let mut accounts = Vec::new();
        for kind in [
            AccountKind::Wallet,
            AccountKind::Helm,
            AccountKind::Cargo,
            AccountKind::Hangar,
        ] {
            let of_kind = custody::accounts_of(self.store, home, kind, character.0)?;
            let is_shown = |stored: &Stored| kind == AccountKind::Wallet || !stored.is_empty();
            accounts.extend(of_kind.into_iter().filter(is_shown));
        }
        let name = self.names.character(character);
        ensure!(
            self.names.is_character(character) || !accounts.is_empty(),
            "there is no character {character}"
        );
        let page = self.account_page(Account::wallet(character))?;
        if self.json {
            let accounts: Vec<Value> = accounts
                .iter()
                .map(|stored| show::account_json(&self.names, stored, self.limit))
                .collect();
            let about = json!({
                "character": character.0,
                "name": name,
                "accounts": accounts,
            });
            return self.finish_json(about, &page);
        }
        let mut text = format!("{name}, character {character}\n");
        if accounts.is_empty() {
            text.push_str("has never had anything\n");
        }
        for stored in &accounts {
            text.push_str(&show::account(&mut self.names, stored, self.limit));
        }
        text.push_str("the wallet's history:\n");
        super::print(&text)?;
        self.finish(&page)
    }

    fn account_page(&self, account: Account) -> anyhow::Result<Page> {
        let page = history::account_history(
            self.store,
            self.partitions,
            account,
            self.before,
            self.limit,
        );
        Ok(page?)
    }

    fn finish(&mut self, page: &Page) -> anyhow::Result<ExitCode> {
        let mut text = show::history(&mut self.names, &page.entries);
        if page.next.is_some() {
            text.push_str(&format!("older entries: --before {}\n", page.next.0));
        }
        if let Some(damage) = &page.damage {
            text.push_str(&format!("damaged: {damage}\n"));
        }
        super::print(&text)?;
        Ok(code(page))
    }

    fn finish_json(&mut self, mut about: Value, page: &Page) -> anyhow::Result<ExitCode> {
        let entries = page.entries.iter();
        let entries: Vec<Value> = entries
            .map(|past| show::past_json(&mut self.names, past))
            .collect();
        about["history"] = entries.into();
        about["next"] = page.next.0.into();
        about["damage"] = page.damage.as_ref().map(ToString::to_string).into();
        let text = serde_json::to_string_pretty(&about)?;
        super::print(&format!("{text}\n"))?;
        Ok(code(page))
    }
}

/// A history that is damaged is a failure, whatever could be shown of it.
const fn code(page: &Page) -> ExitCode {
    if page.damage.is_none() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
