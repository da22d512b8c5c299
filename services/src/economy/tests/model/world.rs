//! What has to come out: wallets, piles and orders in plain maps, and the post between them.
//!
//! Everything of a character happens at the character's site, everything of a region's market at
//! the region's. What one site says to another, or to itself, is a letter that is read one beat
//! later. A place that nobody has needed since the start sleeps: whoever needs it waits a beat,
//! and what comes after that from the same character or the same site waits too. In a beat a site
//! handles first what has waited, then letters by sender and number, then commands by character.
//! That order is all that is taken over from the real thing; what is done and what it costs is
//! worked out here anew.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use orrery_base::command::RejectCode;
use orrery_base::value::{RequestId, ValueCommand};

use super::bazaar::{Resting, Wish};
use super::swaps::{Mine, Swap, Window};
use crate::custody::Outcome;
use crate::economy::Command;

/// How long an answer is remembered, milliseconds: a request may be so old ...
pub(super) const WINDOW_MS: u64 = 20_000;
/// ... or so far ahead.
pub(super) const AHEAD_MS: u64 = 10_000;
/// Most units of a pile.
pub(super) const PILE_MAX: u64 = 1 << 40;

/// Something that holds value of a character.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Place {
    Wallet(u64),
    /// Whose, in which station.
    Hangar(u64, u64),
    /// Whose, of which ship (as an entity).
    Hold(u64, u64),
}

impl Place {
    pub(super) const fn owner(self) -> u64 {
        let (Self::Wallet(owner) | Self::Hangar(owner, _) | Self::Hold(owner, _)) = self;
        owner
    }
}

/// Things of one type. Zero for an id: it gets one where it arrives.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Pile {
    pub(super) id: u64,
    pub(super) type_id: u32,
    pub(super) quantity: u64,
    pub(super) is_assembled: bool,
    pub(super) name: String,
}

/// What a letter says.
#[derive(Clone, Debug)]
pub(super) enum Say {
    /// Here are things, or money, or neither.
    Take(Place, Option<Pile>, u64),
    /// Somebody pays somebody.
    Pay(u64, u64, u64, RequestId),
    Wish(Wish),
    Cancel(u64, RequestId, u64),
    /// Who, which order, the new price, the money for it.
    Reprice(u64, RequestId, u64, i64, u64),
    Answer(u64, RequestId, Outcome, u64, Option<Resting>, u64),
    /// So many units are left of an order, and this came of it.
    Left(u64, u64, Place, Option<Pile>, u64),
    Swap(Swap),
}

impl Say {
    /// What has to be awake. What somebody knows of orders is with the wallet.
    fn needs(&self) -> Vec<Place> {
        match self {
            Self::Take(place, ..) => vec![*place],
            Self::Left(_, _, place, ..) => vec![*place, Place::Wallet(place.owner())],
            Self::Pay(_, to, ..) => vec![Place::Wallet(*to)],
            Self::Answer(actor, ..) => vec![Place::Wallet(*actor)],
            Self::Swap(swap) => swap.needs(),
            Self::Wish(..) | Self::Cancel(..) | Self::Reprice(..) => Vec::new(),
        }
    }
}

#[derive(Clone, Debug)]
struct Letter {
    to: usize,
    from: usize,
    number: u64,
    say: Say,
    is_read: bool,
    /// Whether its sender knows, and does not send it again after a restart: who is told of one
    /// letter is told of all that were read before.
    is_confirmed: bool,
}

#[derive(Clone, Debug)]
enum Input {
    Command(Command),
    /// Who, and where.
    Presence(u64, Option<u64>),
    Letter(Letter),
}

impl Input {
    const fn actor(&self) -> u64 {
        match self {
            Self::Command(command) => command.actor.0,
            Self::Presence(actor, _) => *actor,
            Self::Letter(_) => 0,
        }
    }
}

/// The model.
pub(super) struct World {
    /// The site of an owner's number.
    site_of: fn(u64) -> usize,
    characters: u64,
    pub(super) now: u64,
    /// The site that works.
    pub(super) site: usize,
    pub(super) wallets: BTreeMap<u64, u64>,
    pub(super) piles: BTreeMap<Place, BTreeMap<u64, Pile>>,
    /// Items that each site has numbered.
    pub(super) numbers: Vec<u64>,
    pub(super) orders: Vec<Resting>,
    /// Orders that each region has numbered, and the last place in time.
    pub(super) order_numbers: [u64; 2],
    pub(super) sequence: u64,
    /// Orders as their owners know them.
    pub(super) known: BTreeMap<(u64, u64), Resting>,
    /// What is gone: by sink and type, zero for money.
    pub(super) burned: BTreeMap<(u32, u32), u64>,
    /// Trade windows.
    pub(super) windows: BTreeMap<u64, Window>,
    /// The same, as their sides know them.
    pub(super) swaps: BTreeMap<(u64, u64), Mine>,
    /// Who is docked where.
    pub(super) docked: BTreeMap<u64, u64>,
    /// Trades that were done, cancelled, and that ended otherwise; goods and cents of the first.
    pub(super) swapped: [u64; 5],
    pub(super) memory: BTreeMap<(u64, RequestId), Option<Outcome>>,
    remembered: VecDeque<(u64, u64, RequestId)>,
    awake: BTreeSet<Place>,
    asked: BTreeSet<Place>,
    commands: Vec<Input>,
    post: Vec<Letter>,
    letters: u64,
    /// Letters that were read in the last beat: their senders do not know yet.
    unconfirmed: Vec<Letter>,
    waiting: Vec<Vec<Input>>,
    pub(super) answers: Vec<(u64, RequestId, Outcome)>,
}

impl World {
    pub(super) fn new(sites: usize, site_of: fn(u64) -> usize, characters: u64) -> Self {
        Self {
            site_of,
            characters,
            now: 0,
            site: 0,
            wallets: BTreeMap::new(),
            piles: BTreeMap::new(),
            numbers: vec![0; sites],
            orders: Vec::new(),
            order_numbers: [0; 2],
            sequence: 0,
            known: BTreeMap::new(),
            burned: BTreeMap::new(),
            windows: BTreeMap::new(),
            swaps: BTreeMap::new(),
            docked: BTreeMap::new(),
            swapped: [0; 5],
            memory: BTreeMap::new(),
            remembered: VecDeque::new(),
            awake: BTreeSet::new(),
            asked: BTreeSet::new(),
            commands: Vec::new(),
            post: Vec::new(),
            letters: 0,
            unconfirmed: Vec::new(),
            waiting: vec![Vec::new(); sites],
            answers: Vec::new(),
        }
    }

    pub(super) fn command(&mut self, command: Command) {
        self.commands.push(Input::Command(command));
    }

    pub(super) fn present(&mut self, actor: u64, station: Option<u64>) {
        self.commands.push(Input::Presence(actor, station));
    }

    pub(super) const fn is_character(&self, actor: u64) -> bool {
        actor >= 1 && actor <= self.characters
    }

    /// Everything in memory is lost. Returns who was docked, and where.
    pub(super) fn restart(&mut self) -> BTreeMap<u64, u64> {
        self.commands.clear();
        self.awake.clear();
        self.asked.clear();
        self.post.append(&mut self.unconfirmed);
        for waiting in &mut self.waiting {
            for input in waiting.drain(..) {
                if let Input::Letter(letter) = input {
                    self.post.push(letter);
                }
            }
        }
        self.post.retain(|letter| !letter.is_confirmed);
        core::mem::take(&mut self.docked)
    }

    /// Places fall asleep.
    pub(super) fn sleep(&mut self, stays: impl FnMut(&Place) -> bool) {
        self.awake.retain(stays);
    }

    /// Nobody's wallet stays awake.
    pub(super) fn forget_strangers(&mut self) {
        let characters = 1..=self.characters;
        self.awake.retain(|place| match place {
            Place::Wallet(owner) => characters.contains(owner),
            Place::Hangar(..) | Place::Hold(..) => true,
        });
    }

    pub(super) fn is_at_rest(&self) -> bool {
        self.post.is_empty()
            && self.unconfirmed.is_empty()
            && self.asked.is_empty()
            && self.commands.is_empty()
            && self.waiting.iter().all(Vec::is_empty)
    }

    pub(super) fn beat(&mut self, now: u64) {
        self.now = now;
        self.awake.append(&mut self.asked);
        self.confirm();
        let mut inputs = core::mem::take(&mut self.waiting);
        self.waiting.resize_with(inputs.len(), Vec::new);
        let mut letters = core::mem::take(&mut self.post);
        letters.sort_by_key(|letter| (letter.from, letter.number));
        for letter in letters {
            inputs[letter.to].push(Input::Letter(letter));
        }
        let mut commands = core::mem::take(&mut self.commands);
        commands.sort_by_key(Input::actor);
        for command in commands {
            inputs[(self.site_of)(command.actor())].push(command);
        }
        for (site, inputs) in inputs.into_iter().enumerate() {
            self.site = site;
            for region in [0, 1] {
                if (self.site_of)(u64::from(region)) == site {
                    self.expire(region);
                }
            }
            self.expire_windows(self.site_of);
            let mut held_up = BTreeSet::new();
            for input in inputs {
                self.take(input, &mut held_up);
            }
        }
        while let Some(&(came, actor, id)) = self.remembered.front()
            && now > came + WINDOW_MS + AHEAD_MS
        {
            self.memory.remove(&(actor, id));
            self.remembered.pop_front();
        }
    }

    /// Senders hear of what was read in the last beat.
    fn confirm(&mut self) {
        let told = self.unconfirmed.drain(..);
        let told: BTreeSet<_> = told.map(|letter| (letter.from, letter.to)).collect();
        for input in self.waiting.iter_mut().flatten() {
            if let Input::Letter(letter) = input
                && letter.is_read
                && told.contains(&(letter.from, letter.to))
            {
                letter.is_confirmed = true;
            }
        }
    }

    /// Handles an input, unless it has to wait.
    fn take(&mut self, input: Input, held_up: &mut BTreeSet<(bool, u64)>) {
        let (source, needs) = match &input {
            Input::Command(command) => ((true, command.actor.0), needs(command)),
            Input::Presence(actor, _) => ((true, *actor), vec![Place::Wallet(*actor)]),
            Input::Letter(letter) => ((false, letter.from as u64), letter.say.needs()),
        };
        let mut is_late = held_up.contains(&source);
        for place in needs {
            if !self.awake.contains(&place) {
                self.asked.insert(place);
                is_late = true;
            }
        }
        if is_late {
            held_up.insert(source);
            self.waiting[self.site].push(input);
            return;
        }
        match input {
            Input::Command(command) => self.ask(&command),
            Input::Presence(actor, station) => self.be(actor, station),
            Input::Letter(mut letter) => {
                if !letter.is_read {
                    self.read(letter.say.clone());
                }
                letter.is_read = true;
                self.unconfirmed.push(letter);
            }
        }
    }

    fn ask(&mut self, command: &Command) {
        let (actor, request) = (command.actor.0, command.request);
        let outcome = match self.memory.get(&(actor, request)) {
            Some(None) => return,
            Some(Some(outcome)) => *outcome,
            None => match self.judge(request) {
                Some(code) => Err(code),
                None => {
                    let outcome = self.carry_out(command).transpose();
                    self.memory.insert((actor, request), outcome);
                    self.remembered.push_back((self.now, actor, request));
                    let Some(outcome) = outcome else {
                        return;
                    };
                    outcome
                }
            },
        };
        self.answers.push((actor, request, outcome));
    }

    /// Why an unknown request is not looked at.
    fn judge(&self, request: RequestId) -> Option<RejectCode> {
        match request.unix_ms() {
            None => Some(RejectCode::RequestExpired),
            Some(made) if made + WINDOW_MS <= self.now => Some(RejectCode::RequestExpired),
            Some(made) if made > self.now + AHEAD_MS => Some(RejectCode::RequestFromFuture),
            Some(_) => None,
        }
    }

    /// Writes to the site of an owner.
    pub(super) fn write(&mut self, owner: u64, say: Say) {
        self.letters += 1;
        self.post.push(Letter {
            to: (self.site_of)(owner),
            from: self.site,
            number: self.letters,
            say,
            is_read: false,
            is_confirmed: false,
        });
    }

    fn read(&mut self, say: Say) {
        match say {
            Say::Take(place, pile, cents) => self.put(place, pile, cents),
            Say::Pay(from, to, cents, request) => self.paid(from, to, cents, request),
            Say::Wish(wish) => self.place(wish),
            Say::Swap(swap) => self.swap(swap),
            Say::Cancel(actor, request, order) => self.cancel(actor, request, order),
            Say::Reprice(actor, request, order, price, cents) => {
                self.reprice((actor, request), order, price, cents);
            }
            Say::Answer(actor, request, outcome, cents, rests, ended) => {
                self.put(Place::Wallet(actor), None, cents);
                if let Some(order) = rests {
                    self.known.insert((actor, order.id), order);
                }
                self.known.remove(&(actor, ended));
                if let Some(known) = self.memory.get_mut(&(actor, request)) {
                    *known = Some(outcome);
                }
                self.answers.push((actor, request, outcome));
            }
            Say::Left(order, left, place, pile, cents) => {
                self.put(place, pile, cents);
                let key = (place.owner(), order);
                if left == 0 {
                    self.known.remove(&key);
                } else if let Some(known) = self.known.get_mut(&key) {
                    known.left = left;
                }
            }
        }
    }

    /// A new item of the site that works.
    pub(super) fn number(&mut self) -> u64 {
        self.numbers[self.site] += 1;
        (self.site as u64 + 1) << 44 | self.numbers[self.site]
    }

    pub(super) fn coins(&self, actor: u64) -> u64 {
        self.wallets.get(&actor).copied().unwrap_or(0)
    }

    pub(super) fn piles_at(&self, place: Place) -> impl Iterator<Item = &Pile> {
        let piles = self.piles.get(&place);
        piles.into_iter().flat_map(BTreeMap::values)
    }

    pub(super) fn pile(&self, place: Place, id: u64) -> Option<&Pile> {
        self.piles.get(&place)?.get(&id)
    }

    /// The pile that loose things join.
    pub(super) fn joins(&self, place: Place, type_id: u32, quantity: u64) -> Option<u64> {
        let mut piles = self.piles_at(place);
        let fits = |pile: &&Pile| {
            pile.type_id == type_id && !pile.is_assembled && pile.quantity + quantity <= PILE_MAX
        };
        piles.find(fits).map(|pile| pile.id)
    }

    /// Takes units off a pile that has them: the pile itself, or some of it without an id.
    pub(super) fn lift(&mut self, place: Place, id: u64, quantity: u64) -> Pile {
        let here = self.piles.get_mut(&place).unwrap();
        let pile = here.get_mut(&id).unwrap();
        if pile.quantity > quantity {
            pile.quantity -= quantity;
            return Pile {
                id: 0,
                quantity,
                ..pile.clone()
            };
        }
        assert_eq!(pile.quantity, quantity);
        here.remove(&id).unwrap()
    }

    /// Puts money and things where they belong.
    pub(super) fn put(&mut self, place: Place, pile: Option<Pile>, cents: u64) {
        if cents > 0 {
            *self.wallets.entry(place.owner()).or_default() += cents;
        }
        let Some(pile) = pile else {
            return;
        };
        let onto = match pile.id {
            0 => self.joins(place, pile.type_id, pile.quantity),
            _ => None,
        };
        self.lay(place, pile, onto);
    }

    /// Lays things down: onto a pile, or as one. Returns its id.
    pub(super) fn lay(&mut self, place: Place, mut pile: Pile, onto: Option<u64>) -> u64 {
        if let Some(onto) = onto {
            let piles = self.piles.get_mut(&place).unwrap();
            piles.get_mut(&onto).unwrap().quantity += pile.quantity;
            return onto;
        }
        if pile.id == 0 {
            pile.id = self.number();
        }
        let id = pile.id;
        let before = self.piles.entry(place).or_default().insert(id, pile);
        assert!(before.is_none());
        id
    }

    pub(super) fn burn(&mut self, sink: u32, type_id: u32, quantity: u64) {
        *self.burned.entry((sink, type_id)).or_default() += quantity;
    }
}

/// What has to be awake for a command.
fn needs(command: &Command) -> Vec<Place> {
    let actor = command.actor.0;
    let mut needs = vec![Place::Wallet(actor)];
    if let Some(desk) = command.desk {
        needs.push(Place::Hangar(actor, desk.station.0));
        needs.push(Place::Hold(actor, desk.ship.0));
    }
    if let ValueCommand::Trash { item, .. }
    | ValueCommand::Repackage { item }
    | ValueCommand::AddItem { item, .. } = command.command
    {
        needs.push(Place::Hold(actor, item.entity().0));
    }
    needs
}
