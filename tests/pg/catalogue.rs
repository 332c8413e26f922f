//! What tools ask of the catalogue when they connect, list and describe: the shapes of their questions, put in words of our own.

use super::psql::Psql;
use super::{listening, place};

/// Whose question, the question, and what its answer has.
const ASKED: &[(&str, &str, &str)] = &[
    // Grafana: the version, tables with those of the search path first, columns of one, a column's type.
    ("Grafana", "select current_setting('server_version_num')::int / 100 as version", "1500"),
    (
        "Grafana",
        "select case when quote_ident(table_schema) in (
             select case when trim(s[i]) = '\"$user\"' then user else trim(s[i]) end
             from generate_series(array_lower(string_to_array(current_setting('search_path'), ','), 1), array_upper(string_to_array(current_setting('search_path'), ','), 1)) as i,
               string_to_array(current_setting('search_path'), ',') s)
           then quote_ident(table_name) else quote_ident(table_schema) || '.' || quote_ident(table_name) end as \"table\"
         from information_schema.tables where quote_ident(table_schema) not in ('information_schema', 'pg_catalog') order by 1",
        "\nbg\n",
    ),
    (
        "Grafana",
        "select quote_ident(column_name) as \"column\", data_type as \"type\" from information_schema.columns
         where case when array_length(parse_ident('lake.bg'), 1) = 2
           then quote_ident(table_schema) = (parse_ident('lake.bg'))[1] and quote_ident(table_name) = (parse_ident('lake.bg'))[2]
           else quote_ident(table_name) = 'bg' end",
        "at|timestamp with time zone\n",
    ),
    // JDBC, which DBeaver, Metabase and DataGrip ask by.
    (
        "JDBC tables",
        "select null as table_cat, n.nspname as table_schem, c.relname as table_name,
           case n.nspname ~ '^pg_' or n.nspname = 'information_schema'
             when true then 'SYSTEM TABLE'
             when false then case c.relkind when 'r' then 'TABLE' when 'v' then 'VIEW' else null end
             else null end as table_type, d.description as remarks
         from pg_catalog.pg_namespace n, pg_catalog.pg_class c
           left join pg_catalog.pg_description d on (c.oid = d.objoid and d.objsubid = 0 and d.classoid = 'pg_class'::regclass)
         where c.relnamespace = n.oid and c.relname like 'read%' and (false or (c.relkind = 'r' and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'))
         order by table_type, table_schem, table_name",
        "|lake|readings|TABLE|Current readings.",
    ),
    (
        "JDBC columns",
        "select * from (select n.nspname, c.relname, a.attname, a.atttypid, a.attnotnull or (t.typtype = 'd' and t.typnotnull) as attnotnull, a.atttypmod, a.attlen, t.typtypmod,
             row_number() over (partition by a.attrelid order by a.attnum) as attnum, nullif(a.attidentity, '') as attidentity, nullif(a.attgenerated, '') as attgenerated,
             pg_catalog.pg_get_expr(def.adbin, def.adrelid) as adsrc, dsc.description, t.typbasetype, t.typtype
           from pg_catalog.pg_namespace n join pg_catalog.pg_class c on (c.relnamespace = n.oid) join pg_catalog.pg_attribute a on (a.attrelid = c.oid)
             join pg_catalog.pg_type t on (a.atttypid = t.oid) left join pg_catalog.pg_attrdef def on (a.attrelid = def.adrelid and a.attnum = def.adnum)
             left join pg_catalog.pg_description dsc on (c.oid = dsc.objoid and a.attnum = dsc.objsubid)
             left join pg_catalog.pg_class dc on (dc.oid = dsc.classoid and dc.relname = 'pg_class')
             left join pg_catalog.pg_namespace dn on (dc.relnamespace = dn.oid and dn.nspname = 'pg_catalog')
           where c.relkind in ('r', 'p', 'v', 'f', 'm') and a.attnum > 0 and not a.attisdropped and n.nspname like 'lake' and c.relname like 'bg') c
         where true order by nspname, c.relname, attnum",
        "lake|bg|at|1184|f|-1|8|-1|2|",
    ),
    (
        "JDBC keys",
        "select null as table_cat, result.table_schem, result.table_name, result.column_name, result.key_seq, result.pk_name
         from (select n.nspname as table_schem, ct.relname as table_name, a.attname as column_name, (information_schema._pg_expandarray(i.indkey)).n as key_seq,
             ci.relname as pk_name, information_schema._pg_expandarray(i.indkey) as keys, a.attnum as a_attnum
           from pg_catalog.pg_class ct join pg_catalog.pg_attribute a on (ct.oid = a.attrelid) join pg_catalog.pg_namespace n on (ct.relnamespace = n.oid)
             join pg_catalog.pg_index i on (a.attrelid = i.indrelid) join pg_catalog.pg_class ci on (ci.oid = i.indexrelid)
           where ct.relname = 'bg' and i.indisprimary) result
         where result.a_attnum = (result.keys).x order by result.table_name, result.pk_name, result.key_seq",
        "",
    ),
    ("JDBC types", "select e.typdelim from pg_catalog.pg_type t, pg_catalog.pg_type e where t.oid = 1009 and t.typelem = e.oid", ","),
    (
        "JDBC a type by its number",
        "select n.nspname = any(current_schemas(true)), n.nspname, t.typname from pg_catalog.pg_type t join pg_catalog.pg_namespace n on t.typnamespace = n.oid where t.oid = 701",
        "t|pg_catalog|float8",
    ),
    ("JDBC keywords", "select string_agg(word, ',') from pg_catalog.pg_get_keywords() where word <> all ('{a,abs}'::text[])", ""),
    // DBeaver: the database, its schemas, relations with what they say, types.
    ("DBeaver", "select db.oid, db.* from pg_catalog.pg_database db where datname = 'vitalog'", "16384|16384|vitalog"),
    ("DBeaver", "select current_schema(), session_user", "lake|root"),
    (
        "DBeaver",
        "select n.oid, n.*, d.description from pg_catalog.pg_namespace n left outer join pg_catalog.pg_description d on d.objoid = n.oid and d.objsubid = 0 and d.classoid = 'pg_namespace'::regclass order by nspname",
        "|lake|",
    ),
    (
        "DBeaver",
        "select c.oid, c.*, d.description, pg_catalog.pg_get_expr(c.relpartbound, c.oid) as partition_expr from pg_catalog.pg_class c
         left outer join pg_catalog.pg_description d on d.objoid = c.oid and d.objsubid = 0 and d.classoid = 'pg_class'::regclass
         where c.relnamespace = (select oid from pg_catalog.pg_namespace where nspname = 'lake') and c.relkind not in ('i', 'I', 'c')",
        "|readings_history|",
    ),
    (
        "DBeaver",
        "select c.relname, a.*, pg_catalog.pg_get_expr(ad.adbin, ad.adrelid, true) as def_value, dsc.description from pg_catalog.pg_attribute a
         inner join pg_catalog.pg_class c on (a.attrelid = c.oid) left outer join pg_catalog.pg_attrdef ad on (a.attrelid = ad.adrelid and a.attnum = ad.adnum)
         left outer join pg_catalog.pg_description dsc on (c.oid = dsc.objoid and a.attnum = dsc.objsubid)
         where not a.attisdropped and c.relkind not in ('i', 'I', 'c') and c.oid = 'lake.bg'::regclass order by a.attnum",
        "bg|",
    ),
    ("DBeaver", "select t.oid, t.*, c.relkind, format_type(nullif(t.typbasetype, 0), t.typtypmod) as base_type_name from pg_catalog.pg_type t left outer join pg_catalog.pg_class c on c.oid = t.typrelid where typname is not null and (c.relkind is null or c.relkind = 'c')", "timestamptz"),
    ("DBeaver", "select s.name, s.setting from pg_catalog.pg_settings s where name = 'standard_conforming_strings'", "standard_conforming_strings|on"),
    // Metabase: what may be read, and the keys that there are not.
    (
        "Metabase",
        "with table_privileges as (select null as role, t.schemaname as schema, t.objectname as \"table\",
             pg_catalog.has_any_column_privilege(current_user, '\"' || t.schemaname || '\".\"' || t.objectname || '\"', 'update') as \"update\",
             pg_catalog.has_table_privilege(current_user, '\"' || t.schemaname || '\".\"' || t.objectname || '\"', 'SELECT') as \"select\"
           from (select schemaname, tablename as objectname from pg_catalog.pg_tables union select schemaname, viewname as objectname from pg_catalog.pg_views
             union select schemaname, matviewname as objectname from pg_catalog.pg_matviews) t
           where t.schemaname !~ '^pg_' and t.schemaname <> 'information_schema' and pg_catalog.has_schema_privilege(current_user, t.schemaname, 'usage'))
         select t.* from table_privileges t where t.\"select\" order by t.\"table\"",
        "|lake|bg|f|t",
    ),
    (
        "Metabase",
        "select fk_ns.nspname, fk_table.relname, fk_column.attname from pg_constraint c join pg_class fk_table on c.conrelid = fk_table.oid
         join pg_namespace fk_ns on c.connamespace = fk_ns.oid join pg_attribute fk_column on c.conrelid = fk_column.attrelid
         where c.contype = 'f'::char and fk_column.attnum = any(c.conkey) order by 1, 2",
        "",
    ),
    ("anybody", "select version()", "Vitalog"),
    ("anybody", "select array(select nspname from pg_namespace order by 1)", "{information_schema,lake,pg_catalog}"),
    ("anybody", "select relkind, count(*) filter (where relname like 'r%') from pg_class where relnamespace = 'lake'::regnamespace group by 1 having count(*) > 1 order by 1 desc", "v|"),
    ("anybody", "select coalesce(col_description(c.oid, 1), '') from pg_class c where relname = 'readings'", "whom it is about"),
    ("anybody", "select nspname from pg_namespace where oid not in (select relnamespace from pg_class) union all select 'x' order by 1 limit 1 offset 1", "x"),
    ("anybody", "select x.a, y.b from (values (1, 'a'), (2, 'b')) x(a, n) left join lateral (select x.a + relnatts as b from pg_class where relname = 'pg_type') y on true where exists (select 1 from pg_am) order by 1 desc", "2|2\n1|1"),
];

#[test]
fn tools_find_what_they_look_for() {
    let dir = tempfile::tempdir().unwrap();
    let (server, token) = listening(dir.path(), &[]);
    assert!(place(&server).1.parse::<u16>().is_ok());
    let Some(psql) = Psql::of(&server, "root", &token) else { return };
    let mut wrong = Vec::new();
    for (tool, sql, has) in ASKED {
        let (status, out, err) = psql.run(&["-A", "-t", "-c", sql]);
        let is_there = if has.is_empty() { out.trim().is_empty() } else { out.contains(has) };
        if status != Some(0) || !is_there {
            let shown: String = out.chars().take(300).collect();
            wrong.push(format!("{tool}: {sql}\n  wants {has:?}\n  {shown}{err}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // What a question may cost is bounded, and what it may reach.
    for (sql, state) in [
        ("select count(*) from pg_attribute a, pg_attribute b, pg_attribute c, pg_attribute d", "53200"),
        ("select count(*) from pg_attribute a, pg_attribute b where a.attname ~ (b.attname || '(x|y)*z')", "57014"),
        ("select string_agg(a.attname, ', and then ') from pg_attribute a, pg_type b", "53200"),
        (
            "select replace(a.x, 'a', a.x) from (select replace('aaaaaaaaaaaaaaaa', 'a', 'aaaaaaaaaaaaaaaa') as x) a, pg_am where replace(a.x, 'a', a.x || a.x || a.x) is not null",
            "53200",
        ),
        ("select count(*) from generate_series(1, 1000000000) g, pg_am", "22000"),
        ("select * from pg_class c join bg on true", "42P01"),
        ("select pg_read_file('/etc/passwd')", "42883"),
        ("select relname ~ repeat('(a*)*', 10) from pg_class", "42883"),
        ("select relname ~ '((a{99}){99}){99}' from pg_class", "22000"),
        ("select nothing from pg_class", "42703"),
    ] {
        let said = psql.refused(sql);
        assert!(said.contains(state), "{sql}: {said}");
    }
}

#[test]
fn panels_of_grafana_are_answered() {
    let dir = tempfile::tempdir().unwrap();
    let (server, token) = listening(dir.path(), &[]);
    let Some(psql) = Psql::of(&server, "root", &token) else { return };
    // As its macros write them: $__timeFilter, $__timeGroup, $__timeEpoch, $__unixEpochFilter.
    for (sql, expected) in [
        (
            "SELECT at AS \"time\", value FROM bg WHERE at BETWEEN '2026-03-10T08:00:00Z' AND '2026-03-10T08:07:00Z' AND subject = 'p-1' ORDER BY at",
            "2026-03-10 08:00:00+00|100\n2026-03-10 08:05:00+00|105",
        ),
        (
            "SELECT floor(extract(epoch from at)/1800)*1800 AS \"time\", avg(value) AS \"value\" FROM bg WHERE at BETWEEN '2026-03-10T08:00:00Z' AND '2026-03-10T09:00:00Z' GROUP BY 1 ORDER BY 1",
            "1773129600|112.5\n1773131400|142.5",
        ),
        ("SELECT count(*) FROM bg WHERE extract(epoch from at) >= 1773129600 AND extract(epoch from at) <= 1773129900", "4"),
    ] {
        assert_eq!(psql.asked(sql), expected, "{sql}");
    }
}
