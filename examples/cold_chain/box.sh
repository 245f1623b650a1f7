#!/bin/sh
# A box with a probe and a siren. It is 5.0 degrees inside; from 14:00 to 15:00 of each day the sun
# makes it 11.5. Deterministic given the time.
while IFS= read -r line; do
    case $line in
    *'"read":'*)
        now=${line##*'"now":'}
        now=${now%%[!0-9]*}
        hour=$((now / 3600000000 % 24))
        if [ "$hour" -eq 14 ]; then inside=11.5; else inside=5.0; fi
        printf '{"probe":"%s","at":%s}\n' "$inside" "$now"
        ;;
    *'"event":"siren"'*)
        id=${line##*'"id":"'}
        printf '{"ack":"%s"}\n' "${id%%'"'*}"
        ;;
    *)
        printf '{}\n'
        ;;
    esac
done
