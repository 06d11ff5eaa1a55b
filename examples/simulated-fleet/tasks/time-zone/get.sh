timedatectl show --property=Timezone --value
