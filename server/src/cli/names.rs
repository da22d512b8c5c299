//! Names for what custody knows by number, and numbers for what people write.

use std::path::Path;

use anyhow::{Context as _, bail};
use orrery_base::value::{ItemId, OrderId, TradeId, TransferReason};
use orrery_base::{CharacterId, EntityId, TypeId};
use orrery_game::content::{Content, Tap};
use orrery_game::galaxy::Galaxy;
use orrery_services::accounts::character_named;
use orrery_services::custody::{Account, AccountKind};
use orrery_services::market::region_of;
use orrery_services::whois::Whois;
use orrery_services::{custody::Entry, galaxy};
use orrery_storage::Store;

/// Names from content pack, galaxy and characters; where one is missing, a number.
pub(super) struct Names<'a> {
    store: &'a Store,
    content: Option<Content>,
    galaxy: Option<Galaxy>,
    whois: Whois,
}

impl<'a> Names<'a> {
    /// What is not there or damaged has no names; the numbers are still shown.
    pub(super) fn new(store: &'a Store, data: &Path) -> Self {
        let galaxy = galaxy::load(store).ok().flatten();
        Self {
            store,
            content: crate::host::folder::open_content(data).ok(),
            galaxy: galaxy.map(|stored| stored.galaxy),
            whois: Whois::default(),
        }
    }

    fn name(&mut self, id: CharacterId) -> Option<String> {
        let found = self.whois.names(self.store, &[id]).ok()?;
        found.into_iter().next().map(|(_, name)| name)
    }

    /// Whether there is such a character.
    pub(super) fn is_character(&mut self, id: CharacterId) -> bool {
        self.name(id).is_some()
    }

    /// A character's name.
    pub(super) fn character(&mut self, id: CharacterId) -> String {
        match self.name(id) {
            Some(name) => name,
            None if id == CharacterId::NONE => String::new(),
            None => format!("character {id}"),
        }
    }

    /// A type's name.
    pub(super) fn type_name(&self, type_id: TypeId) -> String {
        let item = self.content.as_ref().and_then(|it| it.item(type_id));
        item.map_or_else(|| format!("type {type_id}"), |item| item.name.clone())
    }

    fn station(&self, station: EntityId) -> String {
        let found = station.object().and_then(|object| {
            let (_, station) = self.galaxy.as_ref()?.station(object)?;
            Some(station.name.clone())
        });
        found.unwrap_or_else(|| format!("station {station}"))
    }

    fn tap(&self, taps: fn(&Content) -> &[Tap], account: &Account) -> String {
        let taps = self.content.as_ref().map_or(&[][..], taps);
        let tap = taps.iter().find(|tap| u64::from(tap.id) == account.owner);
        let kind = account.kind.name();
        tap.map_or_else(
            || format!("{kind} {}", account.owner),
            |tap| format!("{kind} {}", tap.name),
        )
    }

    /// An account in words.
    pub(super) fn account(&mut self, account: &Account) -> String {
        let Account { kind, owner, place } = *account;
        match kind {
            AccountKind::Wallet => format!("wallet of {}", self.character(CharacterId(owner))),
            AccountKind::Helm => format!("helm of {}", self.character(CharacterId(owner))),
            AccountKind::Hangar => format!(
                "hangar of {}, {}",
                self.character(CharacterId(owner)),
                self.station(EntityId(place))
            ),
            AccountKind::Cargo => format!(
                "hold of {}, ship {}",
                self.character(CharacterId(owner)),
                ship_of(account)
            ),
            AccountKind::Escrow => format!(
                "trade {owner}, side of {}",
                self.character(CharacterId(place))
            ),
            AccountKind::Market if place == 0 => format!("market of region {owner}"),
            AccountKind::Market => format!("order {place}"),
            AccountKind::Division => format!("corporation {owner}, division {place}"),
            AccountKind::Faucet => self.tap(Content::faucets, account),
            AccountKind::Sink => self.tap(Content::sinks, account),
            AccountKind::Container | AccountKind::Wreck | AccountKind::Contract => {
                format!("{} {owner}", kind.name())
            }
        }
    }

    /// What an entry is about, in words; nothing if it is about nothing.
    pub(super) fn reference(&mut self, entry: &Entry) -> String {
        let number = entry.reference;
        match TransferReason::from_number(entry.reason) {
            _ if number == 0 => String::new(),
            Some(TransferReason::PlayerPayment) => self.character(CharacterId(number)),
            Some(TransferReason::Trade) => format!("trade {number}"),
            _ if region_of(OrderId(number)).is_some() => format!("order {number}"),
            _ => number.to_string(),
        }
    }

    /// The character that somebody means: an id or a name.
    ///
    /// # Errors
    /// If there is no such name.
    pub(super) fn find_character(&self, text: &str) -> anyhow::Result<CharacterId> {
        if let Ok(id) = text.parse() {
            return Ok(CharacterId(id));
        }
        character_named(self.store, text)?.with_context(|| format!("nobody is called {text:?}"))
    }

    fn find_station(&self, text: &str) -> anyhow::Result<EntityId> {
        if let Ok(id) = text.parse() {
            return Ok(EntityId(id));
        }
        let systems = self.galaxy.iter().flat_map(|galaxy| &galaxy.systems);
        let mut stations = systems.flat_map(|system| &system.stations);
        let found = stations.find(|station| station.name.eq_ignore_ascii_case(text));
        let found = found.with_context(|| format!("no station is called {text:?}"))?;
        Ok(EntityId::of_object(found.object))
    }

    /// Reads an account as people write it: [`spec`], with names for characters and stations.
    ///
    /// # Errors
    /// If it is none; the error says what is wrong.
    pub(super) fn parse(&self, text: &str) -> anyhow::Result<Account> {
        let mut parts = text.splitn(3, ':');
        let (kind, owner, place) = (parts.next().unwrap_or(""), parts.next(), parts.next());
        let kinds = AccountKind::ALL.into_iter();
        let known = || {
            let names: Vec<_> = AccountKind::ALL.iter().map(|kind| kind.name()).collect();
            format!(
                "{kind:?} is no kind of account; there are {}",
                names.join(", ")
            )
        };
        let mut named = kinds.filter(|known| known.name() == kind);
        let kind = named.next().with_context(known)?;
        let owner = owner.with_context(|| format!("whose {} is meant?", kind.name()))?;
        let with_place = || place.with_context(|| format!("which {} is meant?", kind.name()));
        let account = match kind {
            AccountKind::Wallet => Account::wallet(self.find_character(owner)?),
            AccountKind::Helm => Account::helm(self.find_character(owner)?),
            AccountKind::Hangar => {
                let station = self.find_station(with_place()?)?;
                Account::hangar(self.find_character(owner)?, station)
            }
            AccountKind::Cargo => {
                let ship = ItemId(number(with_place()?)?).entity();
                Account::cargo(self.find_character(owner)?, ship)
            }
            AccountKind::Escrow => {
                let character = self.find_character(with_place()?)?;
                Account::escrow(TradeId(number(owner)?), character)
            }
            AccountKind::Market if place.is_none() => {
                let order = OrderId(number(owner)?);
                let region = region_of(order);
                let region = region.with_context(|| format!("there is no order {owner}"))?;
                Account::market(region, order)
            }
            AccountKind::Market
            | AccountKind::Division
            | AccountKind::Faucet
            | AccountKind::Sink => Account {
                kind,
                owner: number(owner)?,
                place: number(with_place()?)?,
            },
            AccountKind::Container | AccountKind::Wreck | AccountKind::Contract => Account {
                kind,
                owner: number(owner)?,
                place: 0,
            },
        };
        match (kind, place) {
            (
                AccountKind::Wallet
                | AccountKind::Helm
                | AccountKind::Container
                | AccountKind::Wreck
                | AccountKind::Contract,
                Some(place),
            ) => bail!("there is one {} only: leave out {place:?}", kind.name()),
            _ => Ok(account),
        }
    }
}

fn number(text: &str) -> anyhow::Result<u64> {
    let number = text.trim().parse();
    number.with_context(|| format!("{text:?} is no number"))
}

/// The item that a hold's ship is.
fn ship_of(hold: &Account) -> u64 {
    let ship = EntityId(hold.place);
    ship.minted_serial().unwrap_or(hold.place)
}

/// An account as `orrery custody account` reads it.
pub(super) fn spec(account: &Account) -> String {
    let Account { kind, owner, place } = *account;
    let name = kind.name();
    match kind {
        AccountKind::Cargo => format!("{name}:{owner}:{}", ship_of(account)),
        AccountKind::Wallet
        | AccountKind::Helm
        | AccountKind::Container
        | AccountKind::Wreck
        | AccountKind::Contract => format!("{name}:{owner}"),
        AccountKind::Hangar
        | AccountKind::Escrow
        | AccountKind::Market
        | AccountKind::Division
        | AccountKind::Faucet
        | AccountKind::Sink => format!("{name}:{owner}:{place}"),
    }
}
