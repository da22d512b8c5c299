//! Numbers that history and the wire share: why something was moved, how an order ended, how a
//! trade stands. A number never changes its meaning; new ones are added.

macro_rules! numbers {
    (
        $(#[$enum_doc:meta])*
        $name:ident;
        $($(#[$doc:meta])* $variant:ident = $number:literal, $sentence:literal;)*
    ) => {
        $(#[$enum_doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        #[repr(u8)]
        pub enum $name { $($(#[$doc])* $variant = $number,)* }

        impl $name {
            /// Every value that this version knows, in order of number. None has the number 0.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The number.
            #[must_use]
            pub const fn number(self) -> u8 {
                self as u8
            }

            /// The value of a number, if this version knows it.
            #[must_use]
            pub const fn from_number(number: u8) -> Option<Self> {
                match number { $($number => Some(Self::$variant),)* _ => None }
            }

            /// A short name for metrics, logs and queries.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => stringify!($variant),)* }
            }

            /// What it says to a player.
            #[must_use]
            pub const fn sentence(self) -> &'static str {
                match self { $(Self::$variant => $sentence,)* }
            }
        }
    };
}

numbers! {
    /// Why money or items were moved from one account to another: every entry of the history has
    /// one. The numbers are the history's and the wire's.
    TransferReason;
    /// A player paid another one.
    PlayerPayment = 1, "Payment between players.";
    /// Goods were sold: the money to the seller.
    MarketSale = 2, "Sold on the market.";
    /// Goods were bought: the goods to the buyer.
    MarketPurchase = 3, "Bought on the market.";
    /// Money or goods went into an order, which holds them.
    MarketEscrow = 4, "Set aside for an order.";
    /// What an order held and did not need came back.
    MarketRefund = 5, "Back from an order.";
    /// The fee for an order that rests.
    BrokerFee = 6, "Broker's fee.";
    /// The tax on a sale.
    SalesTax = 7, "Sales tax.";
    /// The fee for another price.
    RelistFee = 8, "Fee for a changed price.";
    /// Into a trade window or out of it.
    Trade = 9, "Trade between players.";
    /// What a new character has.
    StartingGrant = 10, "Starting equipment.";
    /// Destroyed by its owner.
    Trash = 11, "Destroyed by its owner.";
    /// From one place of the owner to another one of the same owner.
    Relocation = 12, "Moved to another place.";
    /// A stack was split.
    Split = 13, "Split off a stack.";
    /// Two stacks became one.
    Stack = 14, "Put onto another stack.";
    /// A ship was unpacked.
    Assembly = 15, "A ship was unpacked.";
    /// A ship was packed.
    Repackaging = 16, "A ship was packed.";
    /// An insurer paid for a loss.
    Insurance = 17, "Insurance.";
    /// A bounty was paid.
    Bounty = 18, "Bounty.";
    /// What was on its way could not be taken in and came back.
    Returned = 19, "Returned to its sender.";
    /// Lost with a ship.
    Destruction = 20, "Lost with a ship.";
    /// Taken from a wreck or a container.
    Loot = 21, "Taken from a wreck.";
    /// An operator gave or took.
    Operator = 22, "Changed by an operator.";
    /// Ore out of an asteroid.
    Mining = 23, "Mined.";
    /// In a wreck or a container when it vanished.
    Abandoned = 24, "Abandoned.";
}

numbers! {
    /// Why an order is no more.
    OrderEnd;
    /// Everything was bought or sold.
    Filled = 1, "The order was filled.";
    /// Its owner took it back.
    Cancelled = 2, "The order was cancelled.";
    /// Its time was over.
    Expired = 3, "The order has expired.";
    /// An operator took it away.
    Removed = 4, "The order was removed by an operator.";
}

numbers! {
    /// How a trade window stands.
    TradeState;
    /// Both sides may change and accept it.
    Open = 1, "The trade is open.";
    /// Both have accepted and everything has changed hands.
    Done = 2, "The trade is done.";
    /// One side has ended it; everyone has back what was theirs.
    Cancelled = 3, "The trade was cancelled.";
    /// It waited for too long, or a side has left the station.
    Expired = 4, "The trade has ended.";
    /// One side has offered to trade; the other one has not answered yet.
    Offered = 5, "The trade is offered.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_stable() {
        for &reason in TransferReason::ALL {
            assert_eq!(TransferReason::from_number(reason.number()), Some(reason));
            assert!(reason.sentence().ends_with('.'), "{}", reason.name());
        }
        let numbers: Vec<u8> = TransferReason::ALL.iter().map(|it| it.number()).collect();
        assert_eq!(numbers, (1..=24).collect::<Vec<_>>());
        assert_eq!(TransferReason::from_number(0), None);
        assert_eq!(TransferReason::from_number(255), None);
        for &end in OrderEnd::ALL {
            assert_eq!(OrderEnd::from_number(end.number()), Some(end));
        }
        for &state in TradeState::ALL {
            assert_eq!(TradeState::from_number(state.number()), Some(state));
        }
        assert_eq!(OrderEnd::from_number(0), None);
        assert_eq!(TradeState::from_number(0), None);
        assert_eq!(TransferReason::MarketSale.name(), "MarketSale");
    }
}
