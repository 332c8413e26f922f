// The JDBC driver of Arrow Flight SQL against a server: catalogue, schema, prepared statements, stops, refusals. Says `sound` at its end.
//
// java -cp JAR FlightJdbc.java HOST PORT USER PASSWORD

import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;

public class FlightJdbc {
    // Takes far longer than anybody waits, and no memory.
    static final String LONG = "with recursive t(n) as (select 1 union all select n + 1 from t where n < 1000000000) select count(*) from t";
    static String url;

    public static void main(String[] args) throws Exception {
        url = "jdbc:arrow-flight-sql://" + args[0] + ":" + args[1] + "/?useEncryption=false";
        Properties shown = new Properties();
        shown.put("user", args[2]);
        shown.put("password", args[3]);
        try (Connection to = DriverManager.getConnection(url, shown)) {
            catalogue(to.getMetaData());
            questions(to);
            prepared(to);
            refusals(to);
            stops(to);
        }
        Properties token = new Properties();
        token.put("token", args[3]);
        try (Connection to = DriverManager.getConnection(url, token)) {
            same("1", column(to.createStatement().executeQuery("select 1"), 1));
        }
        shown.put("password", "vitalog_0000");
        refused("no account has this name", () -> DriverManager.getConnection(url, shown).createStatement().executeQuery("select 1"));
        System.out.println("sound");
    }

    static void catalogue(DatabaseMetaData of) throws SQLException {
        same("Vitalog", of.getDatabaseProductName());
        same("true", "" + of.isReadOnly());
        same("vitalog", column(of.getCatalogs(), 1));
        same("lake", column(of.getSchemas(), 1));
        same("TABLE,VIEW", column(of.getTableTypes(), 1));
        same("matches,readings,readings_history,dead_letters", sorted(of.getTables(null, null, null, new String[] {"TABLE"}), 3, "matches", "readings", "readings_history", "dead_letters"));
        same("bg", column(of.getTables("vitalog", "lake", "bg", null), 3));
        same("", column(of.getTables("vitalog", "other", "%", null), 3));
        ResultSet columns = of.getColumns("vitalog", "lake", "bg", "%");
        List<String> told = new ArrayList<>();
        try (columns) {
            while (columns.next()) {
                told.add(columns.getString("COLUMN_NAME") + " " + columns.getInt("DATA_TYPE"));
            }
        }
        has(String.join(",", told), "subject 12,at ");
        has(String.join(",", told), "value 8");
        same("", column(of.getPrimaryKeys("vitalog", "lake", "bg"), 4));
        same("", column(of.getImportedKeys("vitalog", "lake", "bg"), 4));
    }

    static void questions(Connection to) throws SQLException {
        try (Statement one = to.createStatement()) {
            ResultSet rows = one.executeQuery("select subject, count(*) as n, sum(value) as total, max(at) as last, null as nothing from bg group by 1 order by 1");
            same("subject,n,total,last,nothing", names(rows));
            rows.next();
            same("p-1 12 1530.0 1773132900000 null", rows.getString(1) + " " + rows.getLong(2) + " " + rows.getDouble(3) + " " + rows.getTimestamp(4, java.util.Calendar.getInstance(java.util.TimeZone.getTimeZone("UTC"))).getTime() + " " + rows.getObject(5));
            rows.next();
            same("p-2", rows.getString(1));
            same("false", "" + rows.next());
        }
    }

    static void prepared(Connection to) throws SQLException {
        try (PreparedStatement one = to.prepareStatement("select count(*), min(value) from bg where subject = ? and value > ?")) {
            same("2", "" + one.getParameterMetaData().getParameterCount());
            for (int least : new int[] {0, 110, 1000}) {
                one.setString(1, "p-1");
                one.setDouble(2, least);
                ResultSet rows = one.executeQuery();
                rows.next();
                same(least == 0 ? "12 100.0" : least == 110 ? "9 115.0" : "0 0.0", rows.getLong(1) + " " + rows.getDouble(2));
            }
            one.setString(1, "it's ' or 1=1 --");
            one.setDouble(2, 0);
            same("0", column(one.executeQuery(), 1));
        }
    }

    static void refusals(Connection to) throws SQLException {
        refused("only reads", () -> to.createStatement().executeUpdate("delete from bg"));
        refused("only reads", () -> to.createStatement().executeQuery("drop table bg"));
        refused("line 2, column 3", () -> to.createStatement().executeQuery("select\n  vlaue from bg"));
        same("1", column(to.createStatement().executeQuery("select 1"), 1));
    }

    static void stops(Connection to) throws Exception {
        for (int round = 0; round < 6; round++) {
            Statement one = to.createStatement();
            Exception[] said = new Exception[1];
            Thread asking = new Thread(() -> {
                try {
                    one.executeQuery(LONG).next();
                } catch (Exception e) {
                    said[0] = e;
                }
            });
            asking.start();
            Thread.sleep(700);
            long began = System.nanoTime();
            one.cancel();
            asking.join(20_000);
            if (asking.isAlive() || said[0] == null) {
                throw new Exception("a statement was not stopped: " + said[0]);
            }
            if (System.nanoTime() - began > 10_000_000_000L) {
                throw new Exception("it was stopped late");
            }
        }
        long began = System.nanoTime();
        same("24", column(to.createStatement().executeQuery("select count(*) from bg"), 1));
        if (System.nanoTime() - began > 15_000_000_000L) {
            throw new Exception("what was stopped is computed on");
        }
    }

    interface Asked {
        Object ask() throws SQLException;
    }

    static void refused(String words, Asked asked) {
        try {
            Object got = asked.ask();
            throw new RuntimeException("not refused: " + got);
        } catch (SQLException e) {
            StringBuilder all = new StringBuilder();
            for (Throwable cause = e; cause != null; cause = cause.getCause()) {
                all.append(cause.getMessage()).append('\n');
            }
            has(all.toString(), words);
        }
    }

    static String names(ResultSet rows) throws SQLException {
        List<String> all = new ArrayList<>();
        for (int n = 1; n <= rows.getMetaData().getColumnCount(); n++) {
            all.add(rows.getMetaData().getColumnName(n));
        }
        return String.join(",", all);
    }

    static String column(ResultSet rows, int number) throws SQLException {
        List<String> all = new ArrayList<>();
        try (rows) {
            while (rows.next()) {
                all.add(rows.getString(number));
            }
        }
        return String.join(",", all);
    }

    /** Those of the column that are among the words, in the order of the words. */
    static String sorted(ResultSet rows, int number, String... words) throws SQLException {
        List<String> all = new ArrayList<>();
        try (rows) {
            while (rows.next()) {
                all.add(rows.getString(number));
            }
        }
        List<String> found = new ArrayList<>();
        for (String word : words) {
            if (all.remove(word)) {
                found.add(word);
            }
        }
        if (!all.isEmpty()) {
            throw new RuntimeException("besides: " + all);
        }
        return String.join(",", found);
    }

    static void same(String wanted, String got) {
        if (!wanted.equals(got)) {
            throw new RuntimeException("wanted " + wanted + ", got " + got);
        }
    }

    static void has(String text, String words) {
        if (!text.contains(words)) {
            throw new RuntimeException("not said: " + words + " in: " + text);
        }
    }
}
