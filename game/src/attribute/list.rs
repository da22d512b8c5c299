//! The list of attributes: one line each, with key, unit and range.

use rkyv::{Archive, Deserialize, Serialize};

macro_rules! attributes {
    ($($variant:ident = $key:literal, $unit:literal, $least:literal ..= $most:literal, $text:literal;)*) => {
        /// What a hull, a module, a charge or a drone has a number for.
        ///
        /// The number of an attribute ([`Attribute::number`]) is its place in this list. It is
        /// stored in packs: new ones go to the end, and none is ever taken out.
        #[derive(
            Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Archive, Serialize,
            Deserialize, serde::Deserialize,
        )]
        pub enum Attribute {
            $(
                #[doc = concat!($text, " Unit: ", $unit, ". Range: ", stringify!($least), " to ", stringify!($most), ".")]
                #[serde(rename = $key)]
                $variant,
            )*
        }

        impl Attribute {
            /// Every attribute, by ascending number.
            pub const ALL: [Self; [$($key),*].len()] = [$(Self::$variant),*];
            /// How many there are.
            pub const COUNT: usize = Self::ALL.len();

            /// What TOML calls it.
            #[must_use]
            pub const fn key(self) -> &'static str {
                const KEYS: [&str; Attribute::COUNT] = [$($key),*];
                KEYS[self as usize]
            }

            /// Its unit, for players and pages.
            #[must_use]
            pub const fn unit(self) -> &'static str {
                const UNITS: [&str; Attribute::COUNT] = [$($unit),*];
                UNITS[self as usize]
            }

            /// The least and the largest value that it may have, in content and derived.
            #[must_use]
            pub const fn range(self) -> (f64, f64) {
                const RANGES: [(f64, f64); Attribute::COUNT] = [$(($least, $most)),*];
                RANGES[self as usize]
            }
        }
    };
}

attributes! {
    HullHp = "hull_hp", "hp", 1.0..=1e9, "Hull.";
    ArmourHp = "armour_hp", "hp", 1.0..=1e9, "Armour.";
    ShieldHp = "shield_hp", "hp", 0.0..=1e9, "Shield.";
    ShieldRechargeS = "shield_recharge_s", "s", 1.0..=1e6, "Time in which the shield recharges.";
    ShieldEm = "shield_em", "share", 0.01..=1.0, "Share of electromagnetic damage that the shield takes.";
    ShieldThermal = "shield_thermal", "share", 0.01..=1.0, "Share of thermal damage that the shield takes.";
    ShieldKinetic = "shield_kinetic", "share", 0.01..=1.0, "Share of kinetic damage that the shield takes.";
    ShieldExplosive = "shield_explosive", "share", 0.01..=1.0, "Share of explosive damage that the shield takes.";
    ArmourEm = "armour_em", "share", 0.01..=1.0, "Share of electromagnetic damage that the armour takes.";
    ArmourThermal = "armour_thermal", "share", 0.01..=1.0, "Share of thermal damage that the armour takes.";
    ArmourKinetic = "armour_kinetic", "share", 0.01..=1.0, "Share of kinetic damage that the armour takes.";
    ArmourExplosive = "armour_explosive", "share", 0.01..=1.0, "Share of explosive damage that the armour takes.";
    HullEm = "hull_em", "share", 0.01..=1.0, "Share of electromagnetic damage that the hull takes.";
    HullThermal = "hull_thermal", "share", 0.01..=1.0, "Share of thermal damage that the hull takes.";
    HullKinetic = "hull_kinetic", "share", 0.01..=1.0, "Share of kinetic damage that the hull takes.";
    HullExplosive = "hull_explosive", "share", 0.01..=1.0, "Share of explosive damage that the hull takes.";
    CapacitorGj = "capacitor_gj", "GJ", 1.0..=1e8, "What the capacitor holds.";
    CapacitorRechargeS = "capacitor_recharge_s", "s", 1.0..=1e6, "Time in which the capacitor recharges.";
    CpuTf = "cpu_tf", "tf", 0.0..=1e7, "Computing power for modules.";
    PowerMw = "power_mw", "MW", 0.0..=1e8, "Power for modules.";
    Calibration = "calibration", "points", 0.0..=1e4, "Calibration for rigs.";
    MassKg = "mass_kg", "kg", 1.0..=1e12, "Mass.";
    Inertia = "inertia", "1", 1e-6..=1e6, "Inertia: mass · inertia / 10⁶ is the time constant in seconds.";
    MaxSpeed = "max_speed_m_per_s", "m/s", 0.0..=19600.0, "The largest speed.";
    WarpSpeed = "warp_speed_au_per_s", "AU/s", 0.1..=30.0, "Speed in warp.";
    WarpCapacitorNeed = "warp_capacitor_need", "GJ/(kg·AU)", 1e-12..=1e-3, "Capacitor that warp takes for mass and distance.";
    WarpCoreStrength = "warp_core_strength", "points", -1e3..=1e3, "How much disruption the warp core bears.";
    SignatureM = "signature_m", "m", 1.0..=1e6, "Radius of the signature.";
    ScanResolutionMm = "scan_resolution_mm", "mm", 1.0..=1e5, "Resolution of the sensors: the larger, the sooner a lock.";
    TargetingRangeM = "targeting_range_m", "m", 0.0..=1e7, "How far locks reach.";
    TargetsMax = "targets_max", "1", 0.0..=100.0, "How many targets the hull can hold.";
    PilotTargets = "pilot_targets", "1", 0.0..=100.0, "How many targets the pilot can hold.";
    SensorGravimetric = "sensor_gravimetric", "points", 0.0..=1e5, "Strength of gravimetric sensors.";
    SensorLadar = "sensor_ladar", "points", 0.0..=1e5, "Strength of ladar sensors.";
    SensorMagnetometric = "sensor_magnetometric", "points", 0.0..=1e5, "Strength of magnetometric sensors.";
    SensorRadar = "sensor_radar", "points", 0.0..=1e5, "Strength of radar sensors.";
    CargoM3 = "cargo_m3", "m³", 0.0..=1e9, "What the hold takes.";
    DroneBayM3 = "drone_bay_m3", "m³", 0.0..=1e7, "What the drone bay takes.";
    DroneBandwidth = "drone_bandwidth", "Mbit/s", 0.0..=1e5, "Bandwidth: of the ship for drones in space, of a drone what it takes.";
    DroneRangeM = "drone_range_m", "m", 0.0..=1e7, "How far drones obey.";
    DronesMax = "drones_max", "1", 0.0..=50.0, "How many drones may be in space.";
    HeatGeneration = "heat_generation", "1", 0.01..=100.0, "Factor of the heat that overheated modules give a rack.";
    HeatAttenuationHigh = "heat_attenuation_high", "share", 0.0..=1.0, "Share of heat damage that reaches the next module of the high rack.";
    HeatAttenuationMid = "heat_attenuation_mid", "share", 0.0..=1.0, "Share of heat damage that reaches the next module of the mid rack.";
    HeatAttenuationLow = "heat_attenuation_low", "share", 0.0..=1.0, "Share of heat damage that reaches the next module of the low rack.";
    WebResistance = "web_resistance", "share", 0.0..=1.0, "Share of webs that takes effect.";
    SensorResistance = "sensor_resistance", "share", 0.0..=1.0, "Share of damps and paints that takes effect.";
    WeaponResistance = "weapon_resistance", "share", 0.0..=1.0, "Share of tracking and guidance disruption that takes effect.";
    EnergyResistance = "energy_resistance", "share", 0.0..=1.0, "Share of neutralisation that takes effect.";
    RemoteRepairShare = "remote_repair_share", "share", 0.0..=1.0, "Share of remote repairs that arrives.";
    CpuNeedTf = "cpu_need_tf", "tf", 0.0..=1e7, "Computing power that a module needs online.";
    PowerNeedMw = "power_need_mw", "MW", 0.0..=1e8, "Power that a module needs online.";
    CalibrationNeed = "calibration_need", "points", 0.0..=1e4, "Calibration that a rig needs.";
    CycleS = "cycle_s", "s", 0.0..=3600.0, "Length of a cycle; zero for what has none.";
    CapacitorNeedGj = "capacitor_need_gj", "GJ", 0.0..=1e7, "Capacitor that a cycle takes.";
    OptimalM = "optimal_m", "m", 0.0..=1e7, "Range without loss.";
    FalloffM = "falloff_m", "m", 0.0..=1e7, "Range beyond the optimal at which half is left.";
    ReloadS = "reload_s", "s", 0.0..=3600.0, "Time to load or change charges.";
    ChargeM3 = "charge_m3", "m³", 0.0..=1e6, "Room for charges in a module.";
    HeatDamage = "heat_damage", "hp", 0.0..=1e3, "Damage that a module takes from heat at once.";
    HeatAbsorption = "heat_absorption", "1/s", 0.0..=1.0, "Heat that an overheated module gives its rack.";
    DamageMultiplier = "damage_multiplier", "1", 0.0..=1e4, "Factor of the damage of the charge.";
    Tracking = "tracking_rad_per_s", "rad/s", 0.0..=100.0, "Angular speed that a turret follows.";
    SignatureResolutionM = "signature_resolution_m", "m", 1.0..=1e5, "Signature that a turret is made for.";
    SpeedFactorPercent = "speed_factor_percent", "%", 0.0..=1e5, "What a drive adds to the speed for a thrust equal to the mass.";
    ThrustKg = "thrust_kg", "kg", 0.0..=1e12, "Thrust of a drive.";
    MassAdditionKg = "mass_addition_kg", "kg", 0.0..=1e12, "Mass that a drive adds while it burns.";
    Amount = "amount", "hp, GJ or m³", 0.0..=1e7, "What a cycle gives or takes.";
    Strength = "strength", "points", 0.0..=1e3, "Strength of a disruption.";
    SpeedPercent = "speed_percent", "%", -100.0..=1e3, "What is added to the target's speed.";
    SignaturePercent = "signature_percent", "%", -100.0..=1e4, "What is added to a signature.";
    TargetingRangePercent = "targeting_range_percent", "%", -100.0..=1e3, "What is added to the target's range of locks.";
    ScanResolutionPercent = "scan_resolution_percent", "%", -100.0..=1e3, "What is added to the target's scan resolution.";
    TrackingPercent = "tracking_percent", "%", -100.0..=1e3, "What is added to the target's tracking.";
    OptimalPercent = "optimal_percent", "%", -100.0..=1e3, "What is added to the optimal range of the target's turrets.";
    FalloffPercent = "falloff_percent", "%", -100.0..=1e3, "What is added to the falloff of the target's turrets.";
    ExplosionRadiusPercent = "explosion_radius_percent", "%", -100.0..=1e3, "What is added to the explosion radius of the target's missiles.";
    ExplosionVelocityPercent = "explosion_velocity_percent", "%", -100.0..=1e3, "What is added to the explosion velocity of the target's missiles.";
    MissileSpeedPercent = "missile_speed_percent", "%", -100.0..=1e3, "What is added to the speed of the target's missiles.";
    FlightPercent = "flight_percent", "%", -100.0..=1e3, "What is added to the flight time of the target's missiles.";
    JamGravimetric = "jam_gravimetric", "points", 0.0..=1e4, "Strength of a jam against gravimetric sensors.";
    JamLadar = "jam_ladar", "points", 0.0..=1e4, "Strength of a jam against ladar sensors.";
    JamMagnetometric = "jam_magnetometric", "points", 0.0..=1e4, "Strength of a jam against magnetometric sensors.";
    JamRadar = "jam_radar", "points", 0.0..=1e4, "Strength of a jam against radar sensors.";
    NeutralisedSignatureM = "neutralised_signature_m", "m", 1.0..=1e5, "Signature below which neutralisation loses effect.";
    RadiusM = "radius_m", "m", 0.0..=500000.0, "Radius of an effect around a place.";
    RecalibrationS = "recalibration_s", "s", 0.0..=600.0, "Time after a cloak in which nothing can be locked.";
    TractorSpeed = "tractor_speed_m_per_s", "m/s", 0.0..=1e4, "Speed at which things are hauled in.";
    ChancePercent = "chance_percent", "%", 0.0..=100.0, "Chance of a cycle to succeed.";
    DamageEm = "damage_em", "hp", 0.0..=1e7, "Electromagnetic damage.";
    DamageThermal = "damage_thermal", "hp", 0.0..=1e7, "Thermal damage.";
    DamageKinetic = "damage_kinetic", "hp", 0.0..=1e7, "Kinetic damage.";
    DamageExplosive = "damage_explosive", "hp", 0.0..=1e7, "Explosive damage.";
    ExplosionRadiusM = "explosion_radius_m", "m", 1.0..=1e5, "Signature that takes an explosion in full.";
    ExplosionVelocity = "explosion_velocity_m_per_s", "m/s", 1.0..=1e5, "Speed at which an explosion still finds its target.";
    DamageReduction = "damage_reduction", "1", 0.01..=10.0, "Exponent of what is lost to speed: DRF.";
    FlightS = "flight_s", "s", 0.1..=600.0, "Time that a missile or bomb flies.";
    MissileSpeed = "missile_speed_m_per_s", "m/s", 1.0..=19600.0, "Speed of a missile.";
    MissileHp = "missile_hp", "hp", 1.0..=1e6, "What a missile or bomb bears.";
    LifeS = "life_s", "s", 0.0..=86400.0, "How long a probe works.";
    ScanStrength = "scan_strength", "points", 0.0..=1e4, "Strength of a scan probe.";
    OrbitM = "orbit_m", "m", 0.0..=1e6, "Distance that a drone keeps to its target.";
}

impl Attribute {
    /// Its number, which is stored.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// Its derived value is rounded to hundredths, so that what a page adds up is what counts.
    #[must_use]
    pub const fn is_rounded(self) -> bool {
        matches!(
            self,
            Self::CpuTf | Self::PowerMw | Self::CpuNeedTf | Self::PowerNeedMw
        )
    }
}
