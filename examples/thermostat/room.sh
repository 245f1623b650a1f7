#!/bin/sh
# A room with a heater: the provider of the thermostat's input and of its relay.
# One line of JSON in, one line out. Temperatures are thousandths of a degree.
# It is 5 degrees outside; each second the room loses 1/2000 of the difference,
# and the heater adds 0.012 degrees. What it is like is kept beside the store, as a real room
# stays what it is when a controller restarts.
temperature=18000
heater=0
last=0
state=${AQO_STORE:-.}/room.state
if [ -n "$AQO_STORE" ] && [ -r "$state" ]; then
    read -r temperature heater last <"$state"
fi
keep() {
    [ -z "$AQO_STORE" ] || printf '%s %s %s\n' "$temperature" "$heater" "$last" >"$state"
}
while IFS= read -r line; do
    case $line in
    *'"read":'*)
        now=${line##*'"now":'}
        now=${now%%[!0-9]*}
        [ "$last" -eq 0 ] && last=$now
        seconds=$(((now - last) / 1000000))
        [ "$seconds" -gt 3600 ] && seconds=3600
        last=$now
        while [ "$seconds" -gt 0 ]; do
            temperature=$((temperature + heater * 12 - (temperature - 5000) / 2000))
            seconds=$((seconds - 1))
        done
        keep
        hundredths=$((temperature / 10))
        printf '{"room":"%d.%02d","at":%s}\n' $((hundredths / 100)) $((hundredths % 100)) "$now"
        ;;
    *'"event":"heater"'*)
        case $line in
        *'"on":true'*) heater=1 ;;
        *) heater=0 ;;
        esac
        keep
        id=${line##*'"id":"'}
        printf '{"ack":"%s"}\n' "${id%%'"'*}"
        ;;
    *)
        printf '{}\n'
        ;;
    esac
done
