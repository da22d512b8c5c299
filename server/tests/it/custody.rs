//! `orrery custody` and the audit of value, as an operator runs them.

use orrery_base::value::{ItemId, TransferReason};
use orrery_base::{AccountId, CharacterId, EntityId, GridId, Tick, TypeId};
use orrery_services::accounts::{Accounts, Command, Limits, Start, Station};
use orrery_services::custody::{
    self, Account, Cause, Minted, Onto, PartitionIndex, Stored, What, home_of,
};
use orrery_services::passwords::Hash;
use orrery_services::{Outbox, WallTime, economy, galaxy};
use orrery_storage::{Batch, Domain, Rows as _};
use serde_json::Value;

use crate::process::{Folder, run};

/// When the transfers of these tests were made: 2027-01-15 08:00:00 UTC.
const THEN: WallTime = WallTime(1_800_000_000_000);
const ADA: CharacterId = CharacterId(1);

/// A store with a character who has money, goods and a ship, and has split a stack.
struct Stocked {
    folder: Folder,
    station: EntityId,
    home: PartitionIndex,
    good: (TypeId, String),
    goods: ItemId,
    split: ItemId,
}

impl Stocked {
    fn new() -> Self {
        let folder = Folder::new(2, 1);
        let content = folder.content();
        let good = content
            .items()
            .iter()
            .find(|it| content.ship(it.id).is_none());
        let good = good.map(|it| (it.id, it.name.clone())).unwrap();
        let ship_type = content
            .items()
            .iter()
            .find(|it| content.ship(it.id).is_some());
        let ship_type = ship_type.unwrap().id;
        let store = folder.store_to_write();
        let found = galaxy::load(&store).unwrap().unwrap().galaxy;
        let system = found
            .systems
            .iter()
            .find(|it| !it.stations.is_empty())
            .unwrap();
        let station = EntityId::of_object(system.stations[0].object);
        let start = Start {
            stations: vec![Station {
                grid: GridId::hub_of(system.id),
                station,
                ship_type,
            }],
        };
        let mut accounts = Accounts::load(&store, Limits::default(), start).unwrap();
        let sign_up = Command::SignUp {
            name: "Ada".to_owned(),
            password: Hash::from_stored("hash".to_owned()),
        };
        let create = Command::CreateCharacter {
            account: AccountId(1),
            name: "Captain Ada".to_owned(),
        };
        for command in [sign_up, create] {
            let mut out = Outbox::default();
            accounts.handle(THEN, &store, &command, &mut out).unwrap();
            store.write(&out.writes).unwrap();
        }
        let mut stocked = Self {
            home: home_of(ADA.0, economy::PARTITIONS),
            folder,
            station,
            good,
            goods: ItemId::NONE,
            split: ItemId::NONE,
        };
        let batch = stocked.fill(&store, ship_type);
        store.write(&batch).unwrap();
        stocked
    }

    fn hangar(&self) -> Account {
        Account::hangar(ADA, self.station)
    }

    fn fill(&mut self, store: &orrery_storage::Store, ship_type: TypeId) -> Batch {
        let (wallet, helm, hangar) = (Account::wallet(ADA), Account::helm(ADA), self.hangar());
        let mut ledger = custody::load(store, self.home).unwrap();
        let cause = |reason| Cause {
            actor: ADA,
            reason,
            reference: 0,
        };
        let granted = cause(TransferReason::StartingGrant);
        let faucet = Account::faucet(1, self.home);
        ledger.begin(Tick(1), THEN);
        for account in [wallet, helm, hangar] {
            ledger.activate(Stored::empty(account));
        }
        let ship = Minted::Ship(ship_type, ItemId(1));
        ledger.mint(faucet, helm, ship, granted).unwrap();
        let money = Minted::Coins(123_456);
        ledger.mint(faucet, wallet, money, granted).unwrap();
        let units = Minted::Units(self.good.0, 500);
        self.goods = ledger.mint(faucet, hangar, units, granted).unwrap();
        let mut batch = Batch::new();
        ledger.write(&mut batch);
        ledger.begin(Tick(2), THEN.plus_ms(33));
        let what = What::Units {
            item: self.goods,
            quantity: 100,
            onto: Onto::Own,
        };
        let split = cause(TransferReason::Split);
        self.split = ledger.transfer(hangar, hangar, what, split).unwrap();
        ledger.write(&mut batch);
        batch
    }

    fn custody(&self, arguments: &[&str]) -> String {
        let all = [&["custody"], arguments, &["--data", self.folder.path()]].concat();
        run(&all).success().to_owned()
    }

    fn audit(&self) -> crate::process::Said {
        run(&["audit", "--data", self.folder.path()])
    }
}

#[test]
fn what_a_character_has_and_how_it_came_there_is_shown() {
    let stocked = Stocked::new();
    let (_, good) = &stocked.good;
    for who in ["Captain Ada", "captain ada", "1"] {
        let text = stocked.custody(&["character", who]);
        assert!(
            text.contains("wallet of Captain Ada (wallet:1): 1234.56"),
            "{text}"
        );
        assert!(text.contains("helm of Captain Ada (helm:1)"), "{text}");
        assert!(text.contains(&format!("400 {good}")), "{text}");
        assert!(text.contains("Starting equipment."), "{text}");
    }
    let text = stocked.custody(&["item", &stocked.goods.to_string()]);
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len(), 4, "{text}");
    assert!(lines[0].contains(&format!("400 {good}, hangar of Captain Ada")));
    assert!(lines[2].starts_with("2027-01-15 08:00:00") && lines[2].contains("Split off a stack."));
    assert!(lines[3].contains("faucet "), "{text}");
    let hangar = format!("hangar:Captain Ada:{}", stocked.station);
    let page = stocked.custody(&["account", &hangar, "--limit", "1"]);
    assert!(page.contains("and more than these 1"), "{page}");
    let before = page.split("--before ").nth(1).unwrap().trim();
    let rest = stocked.custody(&["account", &hangar, "--before", before]);
    assert!(
        rest.contains("Starting equipment.") && !rest.contains("Split"),
        "{rest}"
    );
}

#[test]
fn json_has_what_the_tables_have() {
    let stocked = Stocked::new();
    let read = |arguments: &[&str]| -> Value {
        let text = stocked.custody(&[arguments, &["--json"]].concat());
        serde_json::from_str(&text).unwrap()
    };
    let item = read(&["item", &stocked.split.to_string()]);
    assert_eq!(item["holds"]["quantity"], 100);
    assert_eq!(item["history"].as_array().unwrap().len(), 1);
    assert_eq!(item["history"][0]["item"], stocked.goods.0);
    assert_eq!(item["history"][0]["onto"], stocked.split.0);
    let wallet = read(&["account", "wallet:Captain Ada"]);
    assert_eq!(wallet["account"], "wallet:1");
    assert_eq!(wallet["cents"], 123_456);
    assert_eq!(wallet["history"][0]["time_ms"], THEN.0);
    let character = read(&["character", "1"]);
    assert_eq!(character["name"], "Captain Ada");
    assert_eq!(character["accounts"].as_array().unwrap().len(), 3);
    assert_eq!(
        (&character["next"], &character["damage"]),
        (&0.into(), &Value::Null)
    );
}

#[test]
fn what_is_not_there_is_refused() {
    let stocked = Stocked::new();
    let refused = |arguments: &[&str], because: &str| {
        let all = [&["custody"], arguments, &["--data", stocked.folder.path()]].concat();
        let said = run(&all);
        assert!(said.refusal().contains(because), "{}", said.err);
    };
    refused(&["item", "77"], "there never was an item 77");
    refused(&["character", "Grace"], "nobody is called");
    refused(&["character", "77"], "there is no character 77");
    refused(&["account", "purse:1"], "no kind of account");
    refused(&["account", "wallet"], "whose wallet");
    refused(&["account", "hangar:1"], "which hangar");
    refused(&["account", "hangar:1:Nowhere"], "no station is called");
    refused(&["account", "wallet:1:2"], "there is one wallet only");
    refused(&["account", "market:5"], "there is no order 5");
    refused(&["account", "faucet:1:0"], "see `orrery audit`");
}

#[test]
fn the_audit_adds_value_up_and_finds_what_was_doubled() {
    let stocked = Stocked::new();
    let audit = stocked.audit();
    let text = audit.success();
    let line = |name: &str| {
        let mut lines = text.lines().filter(|line| line.starts_with(name));
        lines.next().unwrap().split_whitespace().collect::<Vec<_>>()
    };
    assert_eq!(
        line("money")[1..],
        ["1234.56", "0.00", "1234.56", "0.00", "0.00"]
    );
    assert!(
        line(&stocked.good.1).ends_with(&["500", "0", "500", "0", "0"]),
        "{text}"
    );
    assert!(text.ends_with("sound\n"), "{text}");
    // The same stack once more, in a hangar of another station.
    let store = stocked.folder.store_to_write();
    let rows: Vec<_> = store
        .range(Domain::Custody, orrery_storage::KeyRange::all())
        .collect();
    let mut stacks = rows.into_iter().flatten();
    let id = stocked.goods.0.to_be_bytes();
    let mut doubled = stacks.find(|row| row.key.ends_with(&id)).unwrap();
    let place = doubled.key.len() - 9;
    doubled.key[place] ^= 1;
    let mut batch = Batch::new();
    batch.put(Domain::Custody, &doubled.key, &doubled.value);
    store.write(&batch).unwrap();
    drop(store);
    let said = stocked.audit();
    assert_eq!(said.status.code(), Some(1), "{}", said.out);
    let (text, goods) = (&said.out, stocked.goods);
    assert!(
        text.contains("+400") && text.contains("NOT sound"),
        "{text}"
    );
    assert!(
        text.contains(&format!("item {goods} is in hangar")),
        "{text}"
    );
}

#[test]
fn transfers_and_what_characters_did_are_exported_as_parquet() {
    use parquet::file::reader::{FileReader as _, SerializedFileReader};
    use parquet::record::RowAccessor as _;

    let stocked = Stocked::new();
    let files = tempfile::tempdir().unwrap();
    let export = |what: &str, more: &[&str]| {
        let file = files.path().join(format!("{what}{}.parquet", more.len()));
        let data = ["--data", stocked.folder.path()];
        let all = [&["export", what, file.to_str().unwrap()], &data[..], more].concat();
        run(&all).success();
        SerializedFileReader::new(std::fs::File::open(file).unwrap()).unwrap()
    };
    // A ship, money, goods, and a split.
    let transfers = export("transfers", &[]);
    let rows: Vec<_> = transfers
        .get_row_iter(None)
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert_eq!(rows.len(), 4);
    let money = rows
        .iter()
        .find(|row| row.get_string(7).unwrap() == "money")
        .unwrap();
    assert_eq!(money.get_string(5).unwrap(), "wallet:1");
    assert_eq!(money.get_long(8).unwrap(), 123_456);
    assert_eq!(money.get_long(3).unwrap(), THEN.0.cast_signed());
    assert_eq!(
        money.get_string(12).unwrap(),
        TransferReason::StartingGrant.name()
    );
    let split = export("transfers", &["--from", "2"]);
    assert_eq!(split.metadata().file_metadata().num_rows(), 1);
    let none = export("transfers", &["--from", "3", "--to", "9"]);
    assert_eq!(none.metadata().file_metadata().num_rows(), 0);
    let characters = export("characters", &[]);
    let rows: Vec<_> = characters
        .get_row_iter(None)
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let granted = rows
        .iter()
        .find(|row| row.get_string(2).unwrap() == TransferReason::StartingGrant.name())
        .unwrap();
    assert_eq!(granted.get_string(1).unwrap(), "Captain Ada");
    // Three gifts: 1,234.56 and 501 things.
    let numbers = [3, 4, 5, 6, 7].map(|column| granted.get_long(column).unwrap());
    assert_eq!(numbers, [3, 123_456, 0, 501, 0]);
    let data = stocked.folder.path();
    let there = files.path().join("transfers0.parquet");
    let again = run(&[
        "export",
        "transfers",
        there.to_str().unwrap(),
        "--data",
        data,
    ]);
    assert!(
        again.refusal().contains("transfers0.parquet"),
        "{}",
        again.err
    );
}
