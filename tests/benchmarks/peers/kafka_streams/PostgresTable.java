import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.apache.kafka.streams.processor.PunctuationType;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.ProcessorSupplier;
import org.apache.kafka.streams.processor.api.Record;

/**
 * Upserts the newest value of each key into a table every second, and only then lets Kafka Streams commit.
 *
 * A commit is of all tasks of a thread, so they share what is not yet written: no offset is committed whose rows are not in PostgreSQL.
 * That needs a store without cache, and no commits but these.
 */
final class PostgresTable<K, V> implements ProcessorSupplier<K, V, Void, Void> {
    private static final Duration INTERVAL = Duration.ofSeconds(1);
    private static final ThreadLocal<Rows> ROWS = ThreadLocal.withInitial(Rows::new);

    private final String url;
    private final String upsert;
    private final Function<V, long[]> values;

    PostgresTable(String url, String table, String key, List<String> columns, Function<V, long[]> values) {
        this.url = url;
        this.values = values;
        this.upsert = "INSERT INTO %s (%s, %s) VALUES (?%s) ON CONFLICT (%s) DO UPDATE SET %s".formatted(
            table, key, String.join(", ", columns), ", ?".repeat(columns.size()), key,
            columns.stream().map(column -> column + " = excluded." + column).collect(Collectors.joining(", ")));
    }

    @Override
    public Processor<K, V, Void, Void> get() {
        return new Processor<>() {
            @Override
            public void init(ProcessorContext<Void, Void> context) {
                context.schedule(INTERVAL, PunctuationType.WALL_CLOCK_TIME, now -> {
                    ROWS.get().write(url);
                    context.commit();
                });
            }

            @Override
            public void process(Record<K, V> record) {
                ROWS.get().put(upsert, record.key().toString(), values.apply(record.value()));
            }

            @Override
            public void close() {
                ROWS.get().write(url);
            }
        };
    }

    /** The rows of one thread that are not yet written, by statement and key; sorted, so that threads do not deadlock. */
    private static final class Rows {
        private final Map<String, Map<String, long[]>> waiting = new HashMap<>();
        private Connection connection;

        void put(String upsert, String key, long[] values) {
            waiting.computeIfAbsent(upsert, statement -> new TreeMap<>()).put(key, values);
        }

        void write(String url) {
            if (waiting.isEmpty()) {
                return;
            }
            try {
                if (connection == null) {
                    connection = DriverManager.getConnection(url);
                    connection.setAutoCommit(false);
                }
                for (Map.Entry<String, Map<String, long[]>> table : waiting.entrySet()) {
                    try (PreparedStatement statement = connection.prepareStatement(table.getKey())) {
                        for (Map.Entry<String, long[]> row : table.getValue().entrySet()) {
                            statement.setString(1, row.getKey());
                            for (int place = 0; place < row.getValue().length; place++) {
                                statement.setLong(place + 2, row.getValue()[place]);
                            }
                            statement.addBatch();
                        }
                        statement.executeBatch();
                    }
                }
                connection.commit();
                waiting.clear();
            } catch (SQLException error) {
                throw new IllegalStateException("PostgreSQL did not take the rows", error);
            }
        }
    }
}
