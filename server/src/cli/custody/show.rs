//! Custody as text and as JSON.

use orrery_base::value::{ItemId, TransferReason};
use orrery_services::WallTime;
use orrery_services::custody::history::Past;
use orrery_services::custody::{Commodity, Entry, Stack, Stored};
use serde_json::{Value, json};

use super::super::names::{Names, spec};
use super::super::table::{Align, table};

/// A time of day, UTC.
fn time(at: WallTime) -> String {
    let seconds = i64::try_from(at.0 / 1_000).unwrap_or(i64::MAX);
    time::OffsetDateTime::from_unix_timestamp(seconds).map_or_else(
        // Only damage is that far in the future.
        |_| format!("{} ms", at.0),
        |time| {
            format!(
                "{:04}-{:02}-{:02} {:02}:{:02}:{:02}",
                time.year(),
                u8::from(time.month()),
                time.day(),
                time.hour(),
                time.minute(),
                time.second()
            )
        },
    )
}

fn cents(amount: u64) -> String {
    format!("{}.{:02}", amount / 100, amount % 100)
}

fn commodity(names: &Names<'_>, entry: &Entry) -> String {
    match entry.commodity {
        Commodity::Coin => "money".to_owned(),
        Commodity::Type(type_id) => {
            let name = names.type_name(type_id);
            let source = (entry.item != ItemId::NONE).then_some(entry.item);
            let target = (entry.onto != ItemId::NONE).then_some(entry.onto);
            match (source, target) {
                (Some(from), Some(onto)) if from != onto => format!("{name} #{from} → #{onto}"),
                (Some(item), _) | (None, Some(item)) => format!("{name} #{item}"),
                (None, None) => name,
            }
        }
    }
}

/// Why, in a sentence.
fn reason(entry: &Entry) -> String {
    TransferReason::from_number(entry.reason).map_or_else(
        || format!("Reason {}.", entry.reason),
        |reason| reason.sentence().to_owned(),
    )
}

/// Entries as a table, in their order.
pub(super) fn history(names: &mut Names<'_>, entries: &[Past]) -> String {
    if entries.is_empty() {
        return "no entries\n".to_owned();
    }
    let columns = [
        ("time (UTC)", Align::Left),
        ("tick", Align::Right),
        ("from → to", Align::Left),
        ("what", Align::Left),
        ("quantity", Align::Right),
        ("reason", Align::Left),
        ("actor", Align::Left),
        ("about", Align::Left),
        ("memo", Align::Left),
    ];
    let rows: Vec<Vec<String>> = entries
        .iter()
        .map(|past| {
            let entry = &past.entry;
            let quantity = match entry.commodity {
                Commodity::Coin => cents(entry.quantity),
                Commodity::Type(_) => entry.quantity.to_string(),
            };
            let (from, to) = (names.account(&entry.from), names.account(&entry.to));
            vec![
                time(past.time),
                past.at.tick().to_string(),
                format!("{from} → {to}"),
                commodity(names, entry),
                quantity,
                reason(entry),
                names.character(entry.actor),
                names.reference(entry),
                past.memo.clone(),
            ]
        })
        .collect();
    table(&columns, &rows)
}

/// A stack in words.
pub(super) fn stack_text(names: &Names<'_>, stack: &Stack) -> String {
    let name = names.type_name(stack.type_id);
    match (&stack.name, stack.is_assembled) {
        (Some(own), _) => format!("{name} \"{own}\""),
        (None, true) => format!("{name}, unpacked"),
        (None, false) => format!("{} {name}", stack.quantity),
    }
}

/// What an account holds, at most so many stacks.
pub(super) fn account(names: &mut Names<'_>, stored: &Stored, limit: usize) -> String {
    let account = &stored.account;
    let mut text = format!("{} ({})", names.account(account), spec(account));
    if stored.coins > 0 || stored.stacks.is_empty() {
        text.push_str(&format!(": {}", cents(stored.coins)));
    }
    text.push('\n');
    for stack in stored.stacks.iter().take(limit) {
        text.push_str(&format!(
            "  item {}: {}\n",
            stack.id,
            stack_text(names, stack)
        ));
    }
    if stored.stacks.len() > limit {
        text.push_str(&format!("  and more than these {limit}\n"));
    }
    text
}

/// A stack as JSON.
pub(super) fn stack_json(names: &Names<'_>, stack: &Stack) -> Value {
    json!({
        "item": stack.id.0,
        "type": stack.type_id.0,
        "type_name": names.type_name(stack.type_id),
        "quantity": stack.quantity,
        "is_assembled": stack.is_assembled,
        "name": stack.name.as_deref(),
    })
}

/// What an account holds as JSON, at most so many stacks.
pub(super) fn account_json(names: &Names<'_>, stored: &Stored, limit: usize) -> Value {
    let stacks = stored.stacks.iter().take(limit);
    let stacks: Vec<Value> = stacks.map(|stack| stack_json(names, stack)).collect();
    json!({
        "account": spec(&stored.account),
        "cents": stored.coins,
        "stacks": stacks,
        "has_more": stored.stacks.len() > limit,
    })
}

/// An entry as JSON.
pub(super) fn past_json(names: &mut Names<'_>, past: &Past) -> Value {
    let entry = &past.entry;
    let (commodity, type_id) = match entry.commodity {
        Commodity::Coin => ("money".to_owned(), None),
        Commodity::Type(type_id) => (names.type_name(type_id), Some(type_id.0)),
    };
    json!({
        "entry": past.at.0,
        "partition": past.at.partition().0,
        "tick": past.at.tick().0,
        "time_ms": past.time.0,
        "from": spec(&entry.from),
        "to": spec(&entry.to),
        "commodity": commodity,
        "type": type_id,
        "quantity": entry.quantity,
        "item": entry.item.0,
        "onto": entry.onto.0,
        "reason": entry.reason,
        "sentence": reason(entry),
        "actor": entry.actor.0,
        "actor_name": names.character(entry.actor),
        "reference": entry.reference,
        "memo": past.memo,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_dates() {
        assert_eq!(time(WallTime(0)), "1970-01-01 00:00:00");
        assert_eq!(time(WallTime(951_826_210_999)), "2000-02-29 12:10:10");
        assert_eq!(time(WallTime(u64::MAX)), "18446744073709551615 ms");
    }

    #[test]
    fn money_has_cents() {
        assert_eq!(cents(5), "0.05");
        assert_eq!(cents(123_456), "1234.56");
    }
}
