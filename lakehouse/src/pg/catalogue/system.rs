//! The relations of `pg_catalog` and `information_schema`. Most are empty here: there are no indexes, no functions of the house, no triggers, no roles but whoever asks.

use crate::pg::settings::DATABASE;
use crate::pg::types::{TYPES, Type};

use super::tables::{Given, Rows};
use super::value::Value;
use super::{Catalogue, Relation};

pub const PG_CATALOG: i64 = 11;
pub const INFORMATION_SCHEMA: i64 = 13_000;
pub const LAKE: i64 = 2200;
pub const OWNER: i64 = 10;
pub const SCHEMA: &str = "lake";
pub const DATABASE_OID: i64 = 16_384;

/// The numbers of the catalogue's own relations that descriptions and dependencies name.
pub const OWN: [(&str, i64); 12] = [
    ("pg_type", 1247),
    ("pg_attribute", 1249),
    ("pg_proc", 1255),
    ("pg_class", 1259),
    ("pg_authid", 1260),
    ("pg_database", 1262),
    ("pg_am", 2601),
    ("pg_constraint", 2606),
    ("pg_namespace", 2615),
    ("pg_extension", 3079),
    ("pg_collation", 3456),
    ("pg_description", 2609),
];

/// Relations without rows: name and columns.
const EMPTY: &[(&str, &str)] = &[
    (
        "pg_index",
        "indexrelid:oid indrelid:oid indnatts:int2 indnkeyatts:int2 indisunique:bool indnullsnotdistinct:bool indisprimary:bool indisexclusion:bool indimmediate:bool indisclustered:bool indisvalid:bool indcheckxmin:bool indisready:bool indislive:bool indisreplident:bool indkey:_int2 indcollation:_oid indclass:_oid indoption:_int2 indexprs:text indpred:text",
    ),
    (
        "pg_constraint",
        "oid:oid conname:name connamespace:oid contype:char condeferrable:bool condeferred:bool convalidated:bool conrelid:oid contypid:oid conindid:oid conparentid:oid confrelid:oid confupdtype:char confdeltype:char confmatchtype:char conislocal:bool coninhcount:int4 connoinherit:bool conkey:_int2 confkey:_int2 conpfeqop:_oid conppeqop:_oid conffeqop:_oid conexclop:_oid conbin:text",
    ),
    ("pg_attrdef", "oid:oid adrelid:oid adnum:int2 adbin:text"),
    ("pg_inherits", "inhrelid:oid inhparent:oid inhseqno:int4 inhdetachpending:bool"),
    (
        "pg_trigger",
        "oid:oid tgrelid:oid tgparentid:oid tgname:name tgfoid:oid tgtype:int2 tgenabled:char tgisinternal:bool tgconstrrelid:oid tgconstrindid:oid tgconstraint:oid tgdeferrable:bool tginitdeferred:bool tgnargs:int2 tgattr:_int2 tgargs:text tgqual:text tgoldtable:name tgnewtable:name",
    ),
    ("pg_rewrite", "oid:oid rulename:name ev_class:oid ev_type:char ev_enabled:char is_instead:bool ev_qual:text ev_action:text"),
    (
        "pg_policy",
        "oid:oid polname:name polrelid:oid polcmd:char polpermissive:bool polroles:_oid polqual:text polwithcheck:text",
    ),
    (
        "pg_statistic_ext",
        "oid:oid stxrelid:oid stxname:name stxnamespace:oid stxowner:oid stxstattarget:int4 stxkeys:_int2 stxkind:_char stxexprs:text",
    ),
    (
        "pg_publication",
        "oid:oid pubname:name pubowner:oid puballtables:bool pubinsert:bool pubupdate:bool pubdelete:bool pubtruncate:bool pubviaroot:bool",
    ),
    ("pg_publication_rel", "oid:oid prpubid:oid prrelid:oid prqual:text prattrs:_int2"),
    ("pg_publication_namespace", "oid:oid pnpubid:oid pnnspid:oid"),
    ("pg_publication_tables", "pubname:name schemaname:name tablename:name"),
    ("pg_subscription", "oid:oid subdbid:oid subname:name subowner:oid subenabled:bool"),
    (
        "pg_proc",
        "oid:oid proname:name pronamespace:oid proowner:oid prolang:oid procost:float4 prorows:float4 provariadic:oid prosupport:oid prokind:char prosecdef:bool proleakproof:bool proisstrict:bool proretset:bool provolatile:char proparallel:char pronargs:int2 pronargdefaults:int2 prorettype:oid proargtypes:_oid proallargtypes:_oid proargmodes:_char proargnames:_text prosrc:text proacl:_text",
    ),
    ("pg_enum", "oid:oid enumtypid:oid enumsortorder:float4 enumlabel:name"),
    ("pg_range", "rngtypid:oid rngsubtype:oid rngmultitypid:oid rngcollation:oid rngsubopc:oid"),
    ("pg_depend", "classid:oid objid:oid objsubid:int4 refclassid:oid refobjid:oid refobjsubid:int4 deptype:char"),
    ("pg_shdepend", "dbid:oid classid:oid objid:oid objsubid:int4 refclassid:oid refobjid:oid deptype:char"),
    ("pg_shdescription", "objoid:oid classoid:oid description:text"),
    (
        "pg_sequence",
        "seqrelid:oid seqtypid:oid seqstart:int8 seqincrement:int8 seqmax:int8 seqmin:int8 seqcache:int8 seqcycle:bool",
    ),
    (
        "pg_sequences",
        "schemaname:name sequencename:name sequenceowner:name data_type:text start_value:int8 min_value:int8 max_value:int8 increment_by:int8 cycle:bool cache_size:int8 last_value:int8",
    ),
    ("pg_foreign_table", "ftrelid:oid ftserver:oid ftoptions:_text"),
    (
        "pg_foreign_server",
        "oid:oid srvname:name srvowner:oid srvfdw:oid srvtype:text srvversion:text srvacl:_text srvoptions:_text",
    ),
    (
        "pg_foreign_data_wrapper",
        "oid:oid fdwname:name fdwowner:oid fdwhandler:oid fdwvalidator:oid fdwacl:_text fdwoptions:_text",
    ),
    (
        "pg_partitioned_table",
        "partrelid:oid partstrat:char partnatts:int2 partdefid:oid partattrs:_int2 partclass:_oid partcollation:_oid partexprs:text",
    ),
    ("pg_event_trigger", "oid:oid evtname:name evtevent:name evtowner:oid evtfoid:oid evtenabled:char evttags:_text"),
    ("pg_aggregate", "aggfnoid:oid aggkind:char"),
    (
        "pg_operator",
        "oid:oid oprname:name oprnamespace:oid oprowner:oid oprkind:char oprleft:oid oprright:oid oprresult:oid oprcode:oid",
    ),
    (
        "pg_opclass",
        "oid:oid opcmethod:oid opcname:name opcnamespace:oid opcowner:oid opcfamily:oid opcintype:oid opcdefault:bool opckeytype:oid",
    ),
    ("pg_opfamily", "oid:oid opfmethod:oid opfname:name opfnamespace:oid opfowner:oid"),
    ("pg_ts_config", "oid:oid cfgname:name cfgnamespace:oid cfgowner:oid cfgparser:oid"),
    ("pg_ts_dict", "oid:oid dictname:name dictnamespace:oid dictowner:oid dicttemplate:oid dictinitoption:text"),
    ("pg_ts_parser", "oid:oid prsname:name prsnamespace:oid"),
    ("pg_ts_template", "oid:oid tmplname:name tmplnamespace:oid"),
    ("pg_cast", "oid:oid castsource:oid casttarget:oid castfunc:oid castcontext:char castmethod:char"),
    ("pg_conversion", "oid:oid conname:name connamespace:oid"),
    ("pg_indexes", "schemaname:name tablename:name indexname:name tablespace:name indexdef:text"),
    (
        "pg_matviews",
        "schemaname:name matviewname:name matviewowner:name tablespace:name hasindexes:bool ispopulated:bool definition:text",
    ),
    ("pg_rules", "schemaname:name tablename:name rulename:name definition:text"),
    ("pg_policies", "schemaname:name tablename:name policyname:name"),
    ("pg_locks", "locktype:text database:oid relation:oid pid:int4 mode:text granted:bool"),
    ("pg_stat_activity", "datid:oid datname:name pid:int4 usename:name application_name:text state:text query:text"),
    ("pg_stat_user_tables", "relid:oid schemaname:name relname:name n_live_tup:int8 n_dead_tup:int8"),
    ("pg_stat_user_indexes", "relid:oid indexrelid:oid schemaname:name relname:name indexrelname:name idx_scan:int8"),
    ("pg_statio_user_tables", "relid:oid schemaname:name relname:name"),
    ("pg_available_extensions", "name:name default_version:text installed_version:text comment:text"),
    ("pg_auth_members", "roleid:oid member:oid grantor:oid admin_option:bool"),
    ("pg_db_role_setting", "setdatabase:oid setrole:oid setconfig:_text"),
    ("pg_seclabel", "objoid:oid classoid:oid objsubid:int4 provider:text label:text"),
    ("pg_timezone_names", "name:text abbrev:text utc_offset:interval is_dst:bool"),
    ("pg_prepared_statements", "name:text statement:text"),
    ("pg_cursors", "name:text statement:text"),
    ("pg_language", "oid:oid lanname:name lanowner:oid lanispl:bool lanpltrusted:bool"),
    (
        "information_schema.key_column_usage",
        "constraint_catalog:name constraint_schema:name constraint_name:name table_catalog:name table_schema:name table_name:name column_name:name ordinal_position:int4 position_in_unique_constraint:int4",
    ),
    (
        "information_schema.table_constraints",
        "constraint_catalog:name constraint_schema:name constraint_name:name table_catalog:name table_schema:name table_name:name constraint_type:varchar",
    ),
    (
        "information_schema.referential_constraints",
        "constraint_catalog:name constraint_schema:name constraint_name:name unique_constraint_catalog:name unique_constraint_schema:name unique_constraint_name:name match_option:varchar update_rule:varchar delete_rule:varchar",
    ),
    (
        "information_schema.constraint_column_usage",
        "table_catalog:name table_schema:name table_name:name column_name:name constraint_catalog:name constraint_schema:name constraint_name:name",
    ),
    (
        "information_schema.routines",
        "specific_catalog:name specific_schema:name specific_name:name routine_catalog:name routine_schema:name routine_name:name routine_type:varchar data_type:varchar",
    ),
    (
        "information_schema.parameters",
        "specific_catalog:name specific_schema:name specific_name:name ordinal_position:int4 parameter_mode:varchar parameter_name:name data_type:varchar",
    ),
    ("information_schema.sequences", "sequence_catalog:name sequence_schema:name sequence_name:name data_type:varchar"),
    ("information_schema.triggers", "trigger_catalog:name trigger_schema:name trigger_name:name event_object_table:name"),
];

/// Relations with rows.
const FULL: [&str; 25] = [
    "pg_class",
    "pg_attribute",
    "pg_namespace",
    "pg_type",
    "pg_database",
    "pg_roles",
    "pg_user",
    "pg_authid",
    "pg_group",
    "pg_settings",
    "pg_description",
    "pg_am",
    "pg_collation",
    "pg_tablespace",
    "pg_extension",
    "pg_tables",
    "pg_views",
    "pg_shadow",
    "information_schema.tables",
    "information_schema.columns",
    "information_schema.schemata",
    "information_schema.views",
    "information_schema.table_privileges",
    "information_schema.role_table_grants",
    "information_schema.character_sets",
];

/// The name by which a relation is found here.
fn plain(name: &str) -> String {
    let name = name.to_lowercase();
    let name = name.strip_prefix(&format!("{DATABASE}.")).unwrap_or(&name);
    name.strip_prefix("pg_catalog.").unwrap_or(name).to_owned()
}

/// Whether it is a relation of the catalogue, or says that it is one.
pub fn is_known(name: &str) -> bool {
    let lower = name.to_lowercase();
    let bare = lower.strip_prefix(&format!("{DATABASE}.")).unwrap_or(&lower);
    let says = bare.starts_with("pg_catalog.") || bare.starts_with("information_schema.");
    says || FULL.contains(&bare) || EMPTY.iter().any(|(known, _)| *known == bare)
}

impl Catalogue {
    /// The rows of a relation.
    pub fn relation(&self, name: &str) -> Option<Rows> {
        let name = plain(name);
        if let Some((_, columns)) = EMPTY.iter().find(|(known, _)| *known == name) {
            return Some(Rows::of(columns, []));
        }
        Some(match &*name {
            "pg_class" => self.pg_class(),
            "pg_attribute" => self.pg_attribute(),
            "pg_namespace" => pg_namespace(),
            "pg_type" => pg_type(),
            "pg_database" => pg_database(),
            "pg_roles" | "pg_user" | "pg_authid" | "pg_group" | "pg_shadow" => self.roles(&name),
            "pg_settings" => self.pg_settings(),
            "pg_description" => self.pg_description(),
            "pg_am" => Rows::of(
                "oid:oid amname:name amhandler:oid=0 amtype:char",
                [vec![("oid", 2.into()), ("amname", "heap".into()), ("amtype", "t".into())]],
            ),
            "pg_collation" => {
                let one = |oid: i64, name: &str| vec![("oid", oid.into()), ("collname", name.into())];
                let columns = "oid:oid collname:name collnamespace:oid=11 collowner:oid=10 collprovider:char=c collisdeterministic:bool=t collencoding:int4=-1 collcollate:text collctype:text colliculocale:text collversion:text";
                Rows::of(columns, [one(100, "default"), one(950, "C")])
            }
            "pg_tablespace" => Rows::of(
                "oid:oid spcname:name spcowner:oid=10 spcacl:_text spcoptions:_text",
                [vec![("oid", 1663.into()), ("spcname", "pg_default".into())]],
            ),
            "pg_extension" => Rows::of(
                "oid:oid extname:name extowner:oid=10 extnamespace:oid=11 extrelocatable:bool=f extversion:text extconfig:_oid extcondition:_text",
                [],
            ),
            "pg_tables" => {
                let columns = "schemaname:name=lake tablename:name tableowner:name tablespace:name hasindexes:bool=f hasrules:bool=f hastriggers:bool=f rowsecurity:bool=f";
                Rows::of(
                    columns,
                    self.kinds_of(false).map(|r| vec![("tablename", r.name.as_str().into()), ("tableowner", DATABASE.into())]),
                )
            }
            "pg_views" => {
                let columns = "schemaname:name=lake viewname:name viewowner:name definition:text";
                Rows::of(
                    columns,
                    self.kinds_of(true).map(|r| vec![("viewname", r.name.as_str().into()), ("viewowner", DATABASE.into())]),
                )
            }
            other => return self.information(other),
        })
    }

    /// Those of `information_schema`.
    fn information(&self, name: &str) -> Option<Rows> {
        Some(match name {
            "information_schema.tables" => self.tables(),
            "information_schema.columns" => self.columns_of_all(),
            "information_schema.schemata" => {
                let one = |name: &str| {
                    vec![("catalog_name", DATABASE.into()), ("schema_name", name.into()), ("schema_owner", DATABASE.into())]
                };
                let columns = "catalog_name:name schema_name:name schema_owner:name default_character_set_catalog:name default_character_set_schema:name default_character_set_name:name sql_path:varchar";
                Rows::of(columns, [one("information_schema"), one(SCHEMA), one("pg_catalog")])
            }
            "information_schema.views" => {
                let columns = "table_catalog:name=vitalog table_schema:name=lake table_name:name view_definition:varchar check_option:varchar=NONE is_updatable:varchar=NO is_insertable_into:varchar=NO";
                Rows::of(columns, self.kinds_of(true).map(|r| vec![("table_name", r.name.as_str().into())]))
            }
            "information_schema.table_privileges" | "information_schema.role_table_grants" => {
                let user = self.facts.user.as_str();
                let columns = "grantor:name=vitalog grantee:name table_catalog:name=vitalog table_schema:name=lake table_name:name privilege_type:varchar=SELECT is_grantable:varchar=NO with_hierarchy:varchar=YES";
                Rows::of(
                    columns,
                    self.relations.iter().map(|(_, r)| vec![("grantee", user.into()), ("table_name", r.name.as_str().into())]),
                )
            }
            "information_schema.character_sets" => {
                Rows::of("character_set_catalog:name character_set_schema:name character_set_name:name=UTF8", [vec![]])
            }
            _ => return None,
        })
    }

    fn kinds_of(&self, is_view: bool) -> impl Iterator<Item = &Relation> {
        self.relations.iter().map(|(_, relation)| relation).filter(move |relation| relation.is_view == is_view)
    }

    fn pg_class(&self) -> Rows {
        let columns = "oid:oid relname:name relnamespace:oid reltype:oid=0 reloftype:oid=0 relowner:oid=10 relam:oid=0 relfilenode:oid=0 reltablespace:oid=0 relpages:int4=0 reltuples:float4=-1 relallvisible:int4=0 reltoastrelid:oid=0 relhasindex:bool=f relisshared:bool=f relpersistence:char=p relkind:char relnatts:int2 relchecks:int2=0 relhasrules:bool=f relhastriggers:bool=f relhassubclass:bool=f relrowsecurity:bool=f relforcerowsecurity:bool=f relispopulated:bool=t relreplident:char=n relispartition:bool=f relrewrite:oid=0 relfrozenxid:int8=0 relminmxid:int8=0 relacl:_text reloptions:_text relpartbound:text xmin:int8=0";
        let own = OWN.iter().map(|(name, oid)| -> Given<'_> {
            vec![
                ("oid", (*oid).into()),
                ("relname", (*name).into()),
                ("relnamespace", PG_CATALOG.into()),
                ("relkind", "r".into()),
                ("relnatts", 0.into()),
            ]
        });
        let lake = self.relations.iter().map(|(oid, relation)| -> Given<'_> {
            vec![
                ("oid", (*oid).into()),
                ("relname", relation.name.as_str().into()),
                ("relnamespace", LAKE.into()),
                ("relkind", if relation.is_view { "v" } else { "r" }.into()),
                ("relam", i64::from(!relation.is_view).saturating_mul(2).into()),
                ("relnatts", i64::try_from(relation.columns.len()).unwrap_or(0).into()),
            ]
        });
        Rows::of(columns, own.chain(lake))
    }

    fn pg_attribute(&self) -> Rows {
        let columns = "attrelid:oid attname:name atttypid:oid attstattarget:int4=-1 attlen:int2 attnum:int2 attndims:int4=0 attcacheoff:int4=-1 atttypmod:int4=-1 attbyval:bool=f attalign:char=i attstorage:char=p attcompression:char= attnotnull:bool=f atthasdef:bool=f atthasmissing:bool=f attidentity:char= attgenerated:char= attisdropped:bool=f attislocal:bool=t attinhcount:int4=0 attcollation:oid attacl:_text attoptions:_text attfdwoptions:_text attmissingval:text";
        let rows = self.relations.iter().flat_map(|(oid, relation)| {
            relation.columns.iter().zip(1_i64..).map(|(column, number)| -> Given<'_> {
                let is_text = column.kind.category == 'S';
                vec![
                    ("attrelid", (*oid).into()),
                    ("attname", column.name.as_str().into()),
                    ("atttypid", i64::from(column.kind.oid).into()),
                    ("attlen", i64::from(column.kind.length).into()),
                    ("attnum", number.into()),
                    ("attndims", i64::from(column.kind.category == 'A').into()),
                    ("attcollation", if is_text { 100 } else { 0 }.into()),
                ]
            })
        });
        Rows::of(columns, rows)
    }

    fn pg_description(&self) -> Rows {
        let said = |oid: i64, number: i64, words: &str| -> Given<'_> {
            vec![("objoid", oid.into()), ("classoid", 1259.into()), ("objsubid", number.into()), ("description", words.into())]
        };
        let rows = self.relations.iter().flat_map(|(oid, relation)| {
            let columns = relation.columns.iter().zip(1_i64..).map(|(column, number)| (number, column.comment.as_str()));
            let all = std::iter::once((0, relation.comment.as_str())).chain(columns);
            all.filter(|(_, words)| !words.is_empty()).map(|(number, words)| said(*oid, number, words)).collect::<Vec<_>>()
        });
        Rows::of("objoid:oid classoid:oid objsubid:int4 description:text", rows)
    }

    /// Whoever asks, and the house, which owns all there is.
    fn roles(&self, name: &str) -> Rows {
        let names = [(OWNER, DATABASE), (16_385, self.facts.user.as_str())];
        let (columns, prefix) = match name {
            "pg_user" => (
                "usename:name usesysid:oid usecreatedb:bool=f usesuper:bool=f userepl:bool=f usebypassrls:bool=f passwd:text valuntil:timestamptz useconfig:_text",
                "use",
            ),
            "pg_shadow" => ("usename:name usesysid:oid usecreatedb:bool=f usesuper:bool=f passwd:text", "use"),
            "pg_group" => return Rows::of("groname:name grosysid:oid grolist:_oid", []),
            _ => (
                "oid:oid rolname:name rolsuper:bool=f rolinherit:bool=t rolcreaterole:bool=f rolcreatedb:bool=f rolcanlogin:bool=t rolreplication:bool=f rolconnlimit:int4=-1 rolpassword:text rolvaliduntil:timestamptz rolbypassrls:bool=f rolconfig:_text",
                "rol",
            ),
        };
        let keys = if prefix == "use" { ["usesysid", "usename"] } else { ["oid", "rolname"] };
        Rows::of(columns, names.map(|(oid, name)| vec![(keys[0], oid.into()), (keys[1], name.into())]))
    }

    fn pg_settings(&self) -> Rows {
        let columns = "name:text setting:text unit:text category:text short_desc:text extra_desc:text context:text=user vartype:text=string source:text=default min_val:text max_val:text enumvals:_text boot_val:text reset_val:text sourcefile:text sourceline:int4 pending_restart:bool=f";
        Rows::of(
            columns,
            self.facts
                .settings
                .iter()
                .map(|(name, value)| vec![("name", name.as_str().into()), ("setting", value.as_str().into())]),
        )
    }

    fn tables(&self) -> Rows {
        let columns = "table_catalog:name=vitalog table_schema:name=lake table_name:name table_type:varchar self_referencing_column_name:name reference_generation:varchar user_defined_type_catalog:name user_defined_type_schema:name user_defined_type_name:name is_insertable_into:varchar=NO is_typed:varchar=NO commit_action:varchar";
        Rows::of(
            columns,
            self.relations.iter().map(|(_, relation)| {
                vec![
                    ("table_name", relation.name.as_str().into()),
                    ("table_type", if relation.is_view { "VIEW" } else { "BASE TABLE" }.into()),
                ]
            }),
        )
    }

    fn columns_of_all(&self) -> Rows {
        let columns = "table_catalog:name=vitalog table_schema:name=lake table_name:name column_name:name ordinal_position:int4 column_default:varchar is_nullable:varchar=YES data_type:varchar character_maximum_length:int4 character_octet_length:int4 numeric_precision:int4 numeric_precision_radix:int4 numeric_scale:int4 datetime_precision:int4 interval_type:varchar interval_precision:int4 character_set_name:name collation_name:name domain_name:name udt_catalog:name=vitalog udt_schema:name=pg_catalog udt_name:name is_self_referencing:varchar=NO is_identity:varchar=NO identity_generation:varchar is_generated:varchar=NEVER generation_expression:varchar is_updatable:varchar=NO";
        let rows = self.relations.iter().flat_map(|(_, relation)| {
            relation.columns.iter().zip(1_i64..).map(|(column, number)| -> Given<'_> {
                let kind = column.kind;
                let (precision, scale) = precision(kind);
                vec![
                    ("table_name", relation.name.as_str().into()),
                    ("column_name", column.name.as_str().into()),
                    ("ordinal_position", number.into()),
                    ("data_type", if kind.category == 'A' { "ARRAY" } else { kind.sql }.into()),
                    ("udt_name", kind.name.into()),
                    ("numeric_precision", precision),
                    ("numeric_scale", scale),
                    ("datetime_precision", if matches!(kind.category, 'D' | 'T') { 6.into() } else { Value::Null }),
                ]
            })
        });
        Rows::of(columns, rows)
    }
}

fn precision(kind: &Type) -> (Value, Value) {
    match kind.name {
        "int2" => (16.into(), 0.into()),
        "int4" => (32.into(), 0.into()),
        "int8" => (64.into(), 0.into()),
        "float4" => (24.into(), Value::Null),
        "float8" => (53.into(), Value::Null),
        _ => (Value::Null, Value::Null),
    }
}

fn pg_namespace() -> Rows {
    let one = |oid: i64, name: &str| vec![("oid", oid.into()), ("nspname", name.into())];
    Rows::of(
        "oid:oid nspname:name nspowner:oid=10 nspacl:_text",
        [one(PG_CATALOG, "pg_catalog"), one(LAKE, SCHEMA), one(INFORMATION_SCHEMA, "information_schema")],
    )
}

fn pg_database() -> Rows {
    let columns = "oid:oid datname:name datdba:oid=10 encoding:int4=6 datlocprovider:char=c datistemplate:bool=f datallowconn:bool=t datconnlimit:int4=-1 datfrozenxid:int8=0 datminmxid:int8=0 dattablespace:oid=1663 datcollate:text=C datctype:text=C daticulocale:text datcollversion:text datacl:_text datlastsysoid:oid=0";
    Rows::of(columns, [vec![("oid", DATABASE_OID.into()), ("datname", DATABASE.into())]])
}

fn pg_type() -> Rows {
    let columns = "oid:oid typname:name typnamespace:oid=11 typowner:oid=10 typlen:int2 typbyval:bool=f typtype:char=b typcategory:char typispreferred:bool=f typisdefined:bool=t typdelim:char=, typrelid:oid=0 typsubscript:text typelem:oid typarray:oid typinput:text typoutput:text typreceive:text typsend:text typmodin:text typmodout:text typanalyze:text typalign:char=i typstorage:char=x typnotnull:bool=f typbasetype:oid=0 typtypmod:int4=-1 typndims:int4=0 typcollation:oid=0 typdefaultbin:text typdefault:text typacl:_text";
    Rows::of(
        columns,
        TYPES.iter().map(|t| -> Given<'_> {
            let is_list = t.category == 'A';
            vec![
                ("oid", i64::from(t.oid).into()),
                ("typname", t.name.into()),
                ("typlen", i64::from(t.length).into()),
                ("typcategory", t.category.to_string().into()),
                ("typcollation", if t.category == 'S' { 100 } else { 0 }.into()),
                ("typelem", i64::from(t.element).into()),
                ("typarray", i64::from(t.array).into()),
                ("typinput", if is_list { "array_in".to_owned() } else { format!("{}in", t.name) }.into()),
                ("typoutput", if is_list { "array_out".to_owned() } else { format!("{}out", t.name) }.into()),
                ("typreceive", if is_list { "array_recv".to_owned() } else { format!("{}recv", t.name) }.into()),
            ]
        }),
    )
}

/// A type by its number, for `format_type`.
pub fn type_numbered(oid: i64) -> Option<&'static Type> {
    u32::try_from(oid).ok().and_then(crate::pg::types::numbered)
}
