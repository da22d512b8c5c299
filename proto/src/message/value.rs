//! What is said about value, as bytes: commands, queries and their answers. Each table here is
//! encoder and decoder in one.

use orrery_base::money::Money;
use orrery_base::value::query::{
    BOOK_SIDE_MAX, BookRow, CANDLES_PAGE_MAX, CandleRow, ITEMS_PAGE_MAX, ItemPlace, ItemRow,
    JOURNAL_PAGE_MAX, JournalEntry, ORDERS_PAGE_MAX, OrderRow, TradeOffer, ValueQuery, ValueView,
};
use orrery_base::value::{
    ITEM_NAME_BYTES_MAX, ItemId, MEMO_BYTES_MAX, OrderId, OrderRange, Place, TradeId, TradeState,
    TransferReason, ValueAnswer, ValueCommand,
};
use orrery_base::{CharacterId, EntityId, TypeId};

use super::field::{Body, Codec, Id, MaybeNumber, Nested, Row, Rows, Signed, Text, Varint};
use crate::bytes::{FieldError, FieldReader, put_varint};

/// A number that names something, where an unknown one is [`FieldError::Unknown`]: what it is in
/// means nothing without it.
enum Number {}
type ItemName = Text<ITEM_NAME_BYTES_MAX>;
type Memo = Text<MEMO_BYTES_MAX>;

macro_rules! bodies {
    (
        $put:ident, $take:ident: $name:ident;
        $($kind:literal => $variant:ident { $($field:ident: $ty:ty as $codec:ty,)* })*
    ) => {
        pub(super) fn $put(value: &$name, out: &mut Vec<u8>) {
            match value {
                $($name::$variant { $($field,)* } => {
                    put_varint(out, $kind);
                    $(<$codec as Codec<$ty>>::put($field, out);)*
                })*
            }
        }

        pub(super) fn $take(
            kind: u64,
            fields: &mut FieldReader<'_>,
        ) -> Result<Option<$name>, FieldError> {
            Ok(Some(match kind {
                $($kind => $name::$variant {
                    $($field: <$codec as Codec<$ty>>::take(fields)?,)*
                },)*
                _ => return Ok(None),
            }))
        }
    };
}

macro_rules! rows {
    ($($name:ident { $($field:ident: $ty:ty as $codec:ty,)* })*) => {$(
        impl Row for $name {
            fn put(&self, out: &mut Vec<u8>) {
                let Self { $($field,)* } = self;
                $(<$codec as Codec<$ty>>::put($field, out);)*
            }
            fn take(fields: &mut FieldReader<'_>) -> Result<Self, FieldError> {
                Ok(Self { $($field: <$codec as Codec<$ty>>::take(fields)?,)* })
            }
        }
    )*};
}

bodies! {
    put_value_command, take_value_command: ValueCommand;
    32 => Stack { from: ItemId as Id, onto: ItemId as Id, }
    33 => Split { item: ItemId as Id, quantity: u64 as Varint, }
    34 => Move { item: ItemId as Id, quantity: u64 as Varint, to: Place as Number, }
    35 => Trash { item: ItemId as Id, quantity: u64 as Varint, }
    36 => Assemble { item: ItemId as Id, }
    37 => Repackage { item: ItemId as Id, }
    38 => Board { item: ItemId as Id, }
    39 => Rename { item: ItemId as Id, name: String as ItemName, }
    40 => Pay { to: CharacterId as Id, amount: Money as Signed, memo: String as Memo, }
    41 => Sell {
        item: ItemId as Id,
        quantity: u64 as Varint,
        price: Money as Signed,
        days: u8 as Varint,
    }
    42 => Buy {
        type_id: TypeId as Id,
        quantity: u64 as Varint,
        minimum: u64 as Varint,
        price: Money as Signed,
        range: OrderRange as Number,
        days: u8 as Varint,
    }
    43 => CancelOrder { order: OrderId as Id, }
    44 => ModifyOrder { order: OrderId as Id, price: Money as Signed, }
    45 => OfferTrade { with: CharacterId as Id, }
    46 => AddItem { trade: TradeId as Id, item: ItemId as Id, quantity: u64 as Varint, }
    47 => SetMoney { trade: TradeId as Id, amount: Money as Signed, }
    48 => AcceptTrade { trade: TradeId as Id, version: u32 as Varint, }
    49 => CancelTrade { trade: TradeId as Id, }
    50 => RemoveItem { trade: TradeId as Id, item: ItemId as Id, quantity: u64 as Varint, }
}

bodies! {
    put_query, take_query: ValueQuery;
    1 => Wallet {
        before: u64 as Varint,
        limit: u8 as Varint,
        reason: Option<TransferReason> as Number,
    }
    2 => Inventory { place: ItemPlace as Number, after: ItemId as Id, }
    3 => Book { type_id: TypeId as Id, limit: u8 as Varint, }
    4 => MyOrders { after: OrderId as Id, }
    5 => History { type_id: TypeId as Id, before_day: u32 as Varint, }
    6 => Trade { trade: TradeId as Id, }
}

bodies! {
    put_view, take_view: ValueView;
    1 => Wallet {
        balance: Money as Signed,
        entries: Vec<JournalEntry> as Rows<JOURNAL_PAGE_MAX>,
        next: u64 as Varint,
    }
    2 => Inventory { items: Vec<ItemRow> as Rows<ITEMS_PAGE_MAX>, next: ItemId as Id, }
    3 => Book {
        type_id: TypeId as Id,
        sells: Vec<BookRow> as Rows<BOOK_SIDE_MAX>,
        buys: Vec<BookRow> as Rows<BOOK_SIDE_MAX>,
    }
    4 => MyOrders { orders: Vec<OrderRow> as Rows<ORDERS_PAGE_MAX>, next: OrderId as Id, }
    5 => History {
        type_id: TypeId as Id,
        candles: Vec<CandleRow> as Rows<CANDLES_PAGE_MAX>,
        next: u32 as Varint,
    }
    6 => Trade {
        trade: TradeId as Id,
        with: CharacterId as Id,
        version: u32 as Varint,
        state: Option<TradeState> as MaybeNumber,
        own: TradeOffer as Nested,
        theirs: TradeOffer as Nested,
    }
}

rows! {
    ValueAnswer {
        item: ItemId as Id,
        order: OrderId as Id,
        trade: TradeId as Id,
        quantity: u64 as Varint,
        money: Money as Signed,
        fees: Money as Signed,
    }
    JournalEntry {
        entry: u64 as Varint,
        at_unix_ms: u64 as Varint,
        reason: Option<TransferReason> as MaybeNumber,
        amount: Money as Signed,
        balance: Money as Signed,
        other: CharacterId as Id,
        reference: u64 as Varint,
        memo: String as Memo,
    }
    BookRow {
        order: OrderId as Id,
        price: Money as Signed,
        quantity: u64 as Varint,
        minimum: u64 as Varint,
        station: EntityId as Id,
        range: Option<OrderRange> as MaybeNumber,
        expires_unix_ms: u64 as Varint,
    }
    OrderRow {
        public: BookRow as Nested,
        type_id: TypeId as Id,
        is_buy: bool as Varint,
        initial: u64 as Varint,
        placed_unix_ms: u64 as Varint,
    }
    CandleRow {
        day: u32 as Varint,
        open: Money as Signed,
        high: Money as Signed,
        low: Money as Signed,
        close: Money as Signed,
        volume: u64 as Varint,
        trades: u64 as Varint,
    }
    TradeOffer {
        money: Money as Signed,
        has_accepted: bool as Varint,
        items: Vec<ItemRow> as Rows<ITEMS_PAGE_MAX>,
    }
}

impl Body for ValueQuery {
    fn put(&self, out: &mut Vec<u8>) {
        put_query(self, out);
    }
    fn take(kind: u64, fields: &mut FieldReader<'_>) -> Result<Option<Self>, FieldError> {
        take_query(kind, fields)
    }
}

impl Body for ValueView {
    fn put(&self, out: &mut Vec<u8>) {
        put_view(self, out);
    }
    fn take(kind: u64, fields: &mut FieldReader<'_>) -> Result<Option<Self>, FieldError> {
        take_view(kind, fields)
    }
}

const ASSEMBLED: u64 = 1;
const DAMAGED: u64 = 1 << 1;
const BOARDED: u64 = 1 << 2;

impl Row for ItemRow {
    fn put(&self, out: &mut Vec<u8>) {
        Id::put(&self.item, out);
        Id::put(&self.type_id, out);
        Varint::put(&self.quantity, out);
        let flag = |is_set, bit| if is_set { bit } else { 0 };
        let flags = flag(self.is_assembled, ASSEMBLED)
            | flag(self.is_damaged, DAMAGED)
            | flag(self.is_boarded, BOARDED);
        put_varint(out, flags);
        ItemName::put(&self.name, out);
    }
    fn take(fields: &mut FieldReader<'_>) -> Result<Self, FieldError> {
        let (item, type_id) = (Id::take(fields)?, Id::take(fields)?);
        let (quantity, flags) = (Varint::take(fields)?, fields.varint()?);
        Ok(Self {
            item,
            type_id,
            quantity,
            is_assembled: flags & ASSEMBLED != 0,
            is_damaged: flags & DAMAGED != 0,
            is_boarded: flags & BOARDED != 0,
            name: ItemName::take(fields)?,
        })
    }
}

impl Codec<Place> for Number {
    fn put(value: &Place, out: &mut Vec<u8>) {
        put_varint(out, *value as u64);
    }
    fn take(fields: &mut FieldReader<'_>) -> Result<Place, FieldError> {
        match fields.varint()? {
            1 => Ok(Place::Hangar),
            2 => Ok(Place::Cargo),
            number => Err(FieldError::Unknown(number)),
        }
    }
}

/// [`Place`] or 3, and then a station that counts with 3 only.
impl Codec<ItemPlace> for Number {
    fn put(value: &ItemPlace, out: &mut Vec<u8>) {
        let (number, station) = match value {
            ItemPlace::Here(place) => (*place as u64, EntityId::NONE),
            ItemPlace::HangarAt(station) => (3, *station),
        };
        put_varint(out, number);
        Id::put(&station, out);
    }
    fn take(fields: &mut FieldReader<'_>) -> Result<ItemPlace, FieldError> {
        let (number, station) = (fields.varint()?, Id::take(fields)?);
        match number {
            1 => Ok(ItemPlace::Here(Place::Hangar)),
            2 => Ok(ItemPlace::Here(Place::Cargo)),
            3 => Ok(ItemPlace::HangarAt(station)),
            number => Err(FieldError::Unknown(number)),
        }
    }
}

impl Codec<OrderRange> for Number {
    fn put(value: &OrderRange, out: &mut Vec<u8>) {
        MaybeNumber::put(&Some(*value), out);
    }
    fn take(fields: &mut FieldReader<'_>) -> Result<OrderRange, FieldError> {
        let mut ahead = *fields;
        let number = ahead.varint()?;
        let range: Option<OrderRange> = MaybeNumber::take(fields)?;
        range.ok_or(FieldError::Unknown(number))
    }
}

/// A number, and then jumps that count with 3 only.
impl Codec<Option<OrderRange>> for MaybeNumber {
    fn put(value: &Option<OrderRange>, out: &mut Vec<u8>) {
        let (number, jumps) = match value {
            None => (0, 0),
            Some(OrderRange::Station) => (1, 0),
            Some(OrderRange::System) => (2, 0),
            Some(OrderRange::Jumps(jumps)) => (3, *jumps),
            Some(OrderRange::Region) => (4, 0),
        };
        put_varint(out, number);
        put_varint(out, u64::from(jumps));
    }
    fn take(fields: &mut FieldReader<'_>) -> Result<Option<OrderRange>, FieldError> {
        let (number, jumps) = (fields.varint()?, fields.int()?);
        Ok(match number {
            1 => Some(OrderRange::Station),
            2 => Some(OrderRange::System),
            3 => Some(OrderRange::Jumps(jumps)),
            4 => Some(OrderRange::Region),
            _ => None,
        })
    }
}

/// A filter: zero lets everything through, and an unknown reason is no filter that could be
/// applied.
impl Codec<Option<TransferReason>> for Number {
    fn put(value: &Option<TransferReason>, out: &mut Vec<u8>) {
        MaybeNumber::put(value, out);
    }
    fn take(fields: &mut FieldReader<'_>) -> Result<Option<TransferReason>, FieldError> {
        let number = fields.varint()?;
        if number == 0 {
            return Ok(None);
        }
        let reason = u8::try_from(number)
            .ok()
            .and_then(TransferReason::from_number);
        reason.map(Some).ok_or(FieldError::Unknown(number))
    }
}
