-- Error reports and notable events.

CREATE TABLE events (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  time timestamptz NOT NULL,
  severity text NOT NULL CHECK (severity IN ('critical', 'high', 'medium', 'low', 'info')),
  component text NOT NULL,
  message text NOT NULL,
  context jsonb NOT NULL
);
CREATE INDEX events_by_time ON events (time DESC);
COMMENT ON TABLE events IS 'Error reports and notable events of the pool.';
COMMENT ON COLUMN events.id IS 'In the order they reached the database.';
COMMENT ON COLUMN events.time IS 'When it happened.';
COMMENT ON COLUMN events.severity IS 'critical, high, medium, low or info.';
COMMENT ON COLUMN events.component IS 'Which part of the pool reports.';
COMMENT ON COLUMN events.message IS 'One line for the operator.';
COMMENT ON COLUMN events.context IS 'What is needed to understand it.';

CREATE FUNCTION record_event(at timestamptz, new_severity text, new_component text, new_message text,
                             context_text text)
RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
  parsed jsonb;
BEGIN
  BEGIN
    parsed := coalesce(nullif(context_text, ''), '{}')::jsonb;
  EXCEPTION WHEN data_exception THEN
    parsed := jsonb_build_object('text', context_text);
  END;
  INSERT INTO events (time, severity, component, message, context)
  VALUES (at,
          CASE WHEN new_severity IN ('critical', 'high', 'medium', 'low', 'info') THEN new_severity
               ELSE 'info' END,
          new_component, new_message, parsed);
END;
$$;
COMMENT ON FUNCTION record_event(timestamptz, text, text, text, text) IS
  'Adds an event and never refuses one: an unknown severity becomes info, a context that is not JSON becomes {"text": ...}.';
