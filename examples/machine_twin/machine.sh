#!/bin/sh
# A machine with a vibration sensor and a drive. It runs from 05:00 to 21:00 and shakes a little more
# each week. Deterministic given the time. What the workshop is told is written into the store.
while IFS= read -r line; do
    case $line in
    *'"read":'*)
        now=${line##*'"now":'}
        now=${now%%[!0-9]*}
        hour=$((now / 3600000000 % 24))
        weeks=$(((now - 1798761600000000) / 604800000000))
        tenths=0
        [ "$hour" -lt 5 ] || [ "$hour" -ge 21 ] || tenths=$((10 + weeks * 3))
        printf '{"vibration":"%d.%d","at":%s}\n' $((tenths / 10)) $((tenths % 10)) "$now"
        ;;
    *'"event":'*)
        [ -z "$AQO_STORE" ] || printf '%s\n' "$line" >>"$AQO_STORE/machine.txt"
        id=${line##*'"id":"'}
        printf '{"ack":"%s"}\n' "${id%%'"'*}"
        ;;
    *)
        printf '{}\n'
        ;;
    esac
done
